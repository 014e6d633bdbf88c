"""One trial for ``hangup play``: what is checked before, how it is played, and what came of it. Prints nothing."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hangup import paths
from hangup.agents.agent import Agent
from hangup.agents.manifest import load_manifests
from hangup.capture import LINKTYPE_ETHERNET, SNAP
from hangup.catalogue import Repeat, load_catalogue
from hangup.conduct.plan import plan
from hangup.conduct.run import conducting
from hangup.errors import InputError
from hangup.judge import judge
from hangup.labs import open_lab
from hangup.ladder import LiveLadder, explain
from hangup.names import unknown
from hangup.store.record import observe
from hangup.wire import PcapWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hangup.agents.manifest import Manifest
    from hangup.catalogue import Scenario
    from hangup.conduct.trial import Trial
    from hangup.judge import Verdict
    from hangup.labs import Lab, LabChoice
    from hangup.ladder import Packet, Row
    from hangup.store import Observation
    from hangup.wire import IcmpError


@dataclass(frozen=True)
class Cast:
    """What is to be played, and by whom."""

    scenario: Scenario
    client: str
    manifest: Manifest

    @classmethod
    def make(cls, scenario_id: str, client: str, count: int | None) -> Cast:
        """Raises InputError for a name that is not there, or for what does not go together."""
        catalogue = load_catalogue()
        scenario = catalogue.get(scenario_id)
        if scenario is None:
            raise unknown("scenario", scenario_id, catalogue)
        manifests = {name: m for m in load_manifests(paths.clients()).values() for name in m.clients}
        if client not in manifests:
            raise unknown("client", client, manifests)
        layer = manifests[client].clients[client].layer
        if layer not in scenario.layers:
            raise InputError(
                f"{scenario.id} is for clients of the layer {' or '.join(scenario.layers)}, and {client} is of "
                f"the layer {layer}; `hangup list clients` shows them all"
            )
        return cls(scenario if count is None else _repeated(scenario, count), client, manifests[client])


def _repeated(scenario: Scenario, count: int) -> Scenario:
    """The scenario with its repeated part played ``count`` times. Raises InputError where it has none."""
    if not any(isinstance(step, Repeat) for step in scenario.steps):
        able = [s.id for s in load_catalogue().values() if any(isinstance(step, Repeat) for step in s.steps)]
        raise InputError(f"--count: no part of {scenario.id} is repeated; in {' and '.join(able)} one is")
    steps = tuple(
        step.model_copy(update={"repeat": count}) if isinstance(step, Repeat) else step for step in scenario.steps
    )
    return scenario.model_copy(update={"steps": steps})


@dataclass(frozen=True)
class Played:
    """A trial, and all that was made of it."""

    trial: Trial
    lab: str
    packets: list[Packet]
    icmp: list[IcmpError]
    capture: bytes
    """A pcap file."""
    observation: Observation
    verdict: Verdict | None
    """None where no operation of the client was observed."""

    @property
    def explanation(self) -> list[str]:
        """What happened, in sentences."""
        if self.verdict is None or not self.trial.proved:
            return []
        read = {connection.remote: connection.read for connection in self.trial.log}
        start = self.packets[0].time_ns if self.packets else self.trial.started_ns
        return explain(self.packets, self.icmp, read, self.verdict.outcome, start_ns=start)


class Audience(Protocol):
    """Who watches."""

    def building(self, title: str) -> None:
        """An agent has to be built first."""

    def begin(self, lab: Lab) -> None:
        """The lab is there, and the trial about to begin."""

    def show(self, row: Row) -> None:
        """Something happened."""


async def play(
    cast: Cast, lab_name: LabChoice, build_args: Sequence[str], audience: Audience, *, must_capture: bool
) -> Played:
    """Play one trial.

    Raises HangupError where that cannot be done here, AgentFault where the agent failed.
    """
    capture = io.BytesIO()
    async with open_lab(lab_name, audience.building, build_args) as lab:
        if must_capture and lab.capture is None:
            raise InputError(f"--pcap: the {lab.name} lab cannot capture packets here; see `hangup doctor`")
        agent = await Agent.start(lab, await lab.prepare(cast.manifest, audience.building))
        try:
            lacking = await lab.furnish(cast.scenario.needs)
            _check_plan(cast, agent, lab, lacking)
            audience.begin(lab)
            trial, ladder = await _conduct(cast, lab, agent, capture, audience.show)
        finally:
            await agent.stop()
        layer = agent.hello.clients[cast.client].layer
    observation = observe(trial, str)
    verdict = judge(cast.client, layer, cast.scenario, observation) if observation.operations else None
    return Played(trial, lab.name, ladder.packets, ladder.errors, capture.getvalue(), observation, verdict)


def _check_plan(cast: Cast, agent: Agent, lab: Lab, lacking: Sequence[str]) -> None:
    """Raises InputError where the lab or the client cannot play the scenario. ``lacking``: what the lab says of it."""
    info = agent.hello.clients[cast.client]
    scenarios = {cast.scenario.id: cast.scenario}
    _, skipped = plan({cast.client: info}, scenarios, lab.offers(), lab.name, cast.manifest.single)
    if skipped:
        raise InputError("; ".join([f"{skipped[0].what}: {skipped[0].reason}", *lacking]))


async def _conduct(
    cast: Cast, lab: Lab, agent: Agent, capture: io.BytesIO, show: Callable[[Row], None]
) -> tuple[Trial, LiveLadder]:
    async with conducting(lab, PcapWriter(capture, LINKTYPE_ETHERNET, SNAP).write_frame) as conductor:
        ladder = LiveLadder(cast.scenario.further_steps, show, conductor.pump)
        return await conductor.play(agent, cast.client, cast.scenario, "play", spectator=ladder), ladder
