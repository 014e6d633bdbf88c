"""The conductor: sets a trial up, has its script played, and clears away whatever comes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace

from hangup.agents.agent import Agent
from hangup.catalogue import Scenario
from hangup.conduct.checks import contradicted, too_late
from hangup.conduct.ended import EndedContainers
from hangup.conduct.observer import Observer
from hangup.conduct.peer import Peer, TrialPeer, logged
from hangup.conduct.published import PublishedPorts
from hangup.conduct.stage import Stage
from hangup.conduct.trial import Spectator, Trial
from hangup.errors import AgentFault
from hangup.evidence import seen_connections, unwrapped, verify
from hangup.labs import Lab


class Conductor:
    """Plays trials in one lab."""

    def __init__(self, lab: Lab, peer: Peer, observer: Observer | None) -> None:
        self._lab = lab
        self._peer = peer
        self._observer = observer
        self._ended = EndedContainers(lab.containers)
        self._published = PublishedPorts(lab)

    def pump(self) -> None:
        """Have the packets that are there handed out, where the lab captures."""
        if self._observer is not None:
            self._observer.pump()

    async def play(
        self, agent: Agent, client: str, scenario: Scenario, name: str, *,
        spectator: Spectator | None = None, waiting: Callable[[], None] = lambda: None,
    ) -> Trial:  # fmt: skip
        """Play ``scenario`` with ``client``. ``waiting`` is told when only its last step is left.

        Raises AgentFault where the agent, and not the client, failed, PeerFault where the peer cannot play the script.
        """
        async with self._peer_of(scenario) as peer:
            return await self._play(peer, agent, client, scenario, name, spectator, waiting)

    def _peer_of(self, scenario: Scenario) -> AbstractAsyncContextManager[TrialPeer]:
        if scenario.published:
            return self._published.peer()
        if scenario.container_end is not None:
            return self._ended.peer(scenario.container_end)
        return nullcontext(self._peer)

    async def _play(
        self, peer: TrialPeer, agent: Agent, client: str, scenario: Scenario, name: str,
        spectator: Spectator | None, waiting: Callable[[], None],
    ) -> Trial:  # fmt: skip
        port = await peer.open(name, scenario.further_steps)
        tracker = self._observer.watch(port, spectator) if self._observer else None
        stage = Stage(self._lab, peer, agent, client, scenario, name, port, tracker, spectator, waiting)
        started, began = time.time_ns(), asyncio.get_running_loop().time()
        invalid: str | None = None
        try:
            try:
                invalid = await stage.perform(scenario.flat)
            finally:
                over = time.time_ns()
                await stage.network.clear()
                if spectator is not None:
                    spectator.over()
                log = await peer.close(name)
            await stage.release()
        finally:
            late = agent.pulse.latest(began)
            if self._observer and tracker:
                self._observer.forget(tracker)
        ports = tracker.client_ports() if tracker else ()
        by_connection = logged(ports, log)
        evidence = unwrapped(stage.evidence, by_connection[: len(stage.evidence)])
        seen = seen_connections(stage.packets, port, scenario, stage.asked, stage.answered_ns)
        plain = unwrapped([connection.evidence for connection in seen], by_connection[: len(seen)])
        seen = tuple(replace(connection, evidence=one) for connection, one in zip(seen, plain, strict=True))
        if tracker is not None and invalid is None:
            invalid = "; ".join(verify(scenario, evidence)) or None
        if tracker is not None and tracker.dropped:
            invalid = "the capture lost packets while the trial ran"
        elif why := contradicted(stage.operations, log, tracker.peer_bytes() if tracker else None):
            raise AgentFault(f"the agent's word on {client} cannot be true: {why}")
        busy = too_late(scenario, stage.operations, late, valid=invalid is None)
        return Trial(
            client=client, scenario=scenario.id, name=name, port=port, host=stage.network.host,
            client_host=stage.network.client_host,
            operations=tuple(stage.operations), evidence=evidence, log=log,
            started_ns=started, ended_ns=time.time_ns(), over_ns=over, closed_ns=stage.closed_ns,
            seen=seen, ports=ports, kernel=tracker.reasons() if tracker else None,
            invalid=busy or invalid, late=busy is not None, proved=tracker is not None,
        )  # fmt: skip
