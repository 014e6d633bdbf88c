"""The conductor: sets a trial up, has its script played, and clears away whatever comes of it."""

from __future__ import annotations

import time

from hangup.agents.agent import Agent
from hangup.catalogue import Scenario
from hangup.conduct.observer import Observer
from hangup.conduct.peer import Peer
from hangup.conduct.stage import Stage
from hangup.conduct.trial import Spectator, Trial
from hangup.evidence import verify
from hangup.labs import Lab


class Conductor:
    """Plays trials in one lab."""

    def __init__(self, lab: Lab, peer: Peer, observer: Observer | None) -> None:
        self._lab = lab
        self._peer = peer
        self._observer = observer

    def pump(self) -> None:
        """Have the packets that are there handed out, where the lab captures."""
        if self._observer is not None:
            self._observer.pump()

    async def play(
        self, agent: Agent, client: str, scenario: Scenario, name: str, *,
        spectator: Spectator | None = None,
    ) -> Trial:  # fmt: skip
        """Play ``scenario`` with ``client``.

        Raises AgentFault where the agent, and not the client, failed, PeerFault where the peer cannot play the script.
        """
        port = await self._peer.open(name, scenario.further_steps)
        tracker = self._observer.watch(port, spectator) if self._observer else None
        stage = Stage(self._lab, self._peer, agent, client, scenario, name, port, tracker, spectator)
        started = time.time_ns()
        invalid: str | None = None
        try:
            try:
                invalid = await stage.perform(scenario.flat)
            finally:
                over = time.time_ns()
                if spectator is not None:
                    spectator.over()
                log = await self._peer.close(name)
            await stage.release()
        finally:
            if self._observer and tracker:
                self._observer.forget(tracker)
        if tracker is not None and invalid is None:
            invalid = "; ".join(verify(scenario, stage.evidence)) or None
        if tracker is not None and tracker.dropped:
            invalid = "the capture lost packets while the trial ran"
        return Trial(
            client=client, scenario=scenario.id, name=name, port=port, client_host=self._lab.client_host,
            operations=tuple(stage.operations), evidence=stage.evidence, log=log,
            started_ns=started, ended_ns=time.time_ns(), over_ns=over, closed_ns=stage.closed_ns,
            invalid=invalid, kernel=tracker.reasons() if tracker else None, proved=tracker is not None,
        )  # fmt: skip
