"""Playing a script: its steps, in order, each done before the next one starts.

The evidence is taken when the first connection has ended or, where the client hangs, when the harness gives it up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from hangup.agents.agent import Agent
from hangup.agents.protocol import Close, Reply
from hangup.catalogue import Scenario, Step
from hangup.conduct.asking import Session, request
from hangup.conduct.network import TrialNetwork
from hangup.conduct.observer import Tracker
from hangup.conduct.peer import TrialPeer
from hangup.conduct.trial import Operation, Spectator
from hangup.conduct.waits import View, wait
from hangup.errors import AgentFault, PeerFault
from hangup.evidence import Asked, ConnectionEvidence
from hangup.labs import Lab
from hangup.wire import IcmpError, Segment

SETTLE_SECONDS = 1.0
"""How long the first connection may take to end once the script has been played."""
CLOSE_SECONDS = 2.0
"""How long a client may take to close its session, and an operation that hung to return once its connection is gone."""
PEER_SECONDS = 20.0
CONTAINER_SECONDS = 60.0
"""How long an engine may take to end a container, and the trials that share it to be ready for that."""

_CLOSE = Step(actor="client", act="close")
"""What a spectator is told where the harness ends the session by itself."""


@dataclass
class _Asked:
    """An operation that the client was asked for."""

    op: str
    number: int
    future: asyncio.Future[Reply]
    begun_ns: int
    ended_ns: int = 0

    def given(self, reply: Reply | None) -> Operation:
        """What it came to."""
        return Operation(self.op, reply, self.begun_ns, self.ended_ns)


class Stage:
    """The state of one trial while it is played."""

    def __init__(
        self, lab: Lab, peer: TrialPeer, agent: Agent, client: str, scenario: Scenario, name: str, port: int,
        tracker: Tracker | None, spectator: Spectator | None, waiting: Callable[[], None],
    ) -> None:  # fmt: skip
        """``waiting`` is told when the script has come to its last step."""
        self._lab, self._peer, self._agent = lab, peer, agent
        self._client, self._scenario, self._name, self._port = client, scenario, name, port
        self._tracker, self._spectator, self._waiting = tracker, spectator, waiting
        self.network = TrialNetwork(lab, peer.host, port, tracker)
        self._remote: int | None = None
        self._sent = 0
        self._pending: _Asked | None = None
        self._hung: _Asked | None = None
        self._patience: asyncio.Timeout | None = None
        self._closed = False
        self.closed_ns: int | None = None
        self.operations: list[Operation] = []
        self.evidence: tuple[ConnectionEvidence, ...] = ()
        self.asked: list[Asked] = []
        """The exchanges that the client was asked for."""
        self.packets: Sequence[Segment | IcmpError] = ()
        """Those that the evidence was made of."""

    @property
    def answered_ns(self) -> int | None:
        """When the client gave its last answer; None if it gave none."""
        return max((op.ended_ns for op in self.operations if op.reply is not None), default=None)

    async def perform(self, steps: Sequence[Step]) -> str | None:
        """Play the steps, end the session and take the evidence; why the trial is void, where it is."""
        invalid = None
        try:
            await self._play(steps)
        except PeerFault as fault:
            invalid = f"the peer could not play its part: {fault}"
        except TimeoutError:
            if self._pending is not None and self._pending.future.done():
                self._pending.future.result()  # raises where the agent failed meanwhile
            invalid = "the script did not play out: a step waited in vain for what should have preceded it"
        if self._hung is None:
            await self._end_session()
            if self._tracker is not None and invalid is None:
                await self._settle(self._tracker)
            self._take_evidence()
        return invalid

    async def _settle(self, tracker: Tracker) -> None:
        """Wait for the end of the first connection: a while, and then until the agent has had its turns."""
        await tracker.until(tracker.first_closed, SETTLE_SECONDS)
        if not tracker.first_closed():
            await self._agent.alive()
            await tracker.until(tracker.first_closed, 0)

    async def _play(self, steps: Sequence[Step]) -> None:
        batch: list[Step] = []
        for step in [*steps, None]:
            if step is steps[-1]:
                self._waiting()
            if step is not None and step.actor == "peer":
                batch.append(step)
                if step.act == "pause":
                    await self._play_peer(batch)
                    batch = []
                continue
            if batch:
                await self._play_peer(batch)
                batch = []
            if step is not None:
                self._tell(step)
                await self._play_other(step)
            if self._hung is not None:
                return

    async def _play_peer(self, batch: list[Step]) -> None:
        for step in batch:
            self._tell(step)
        pause = batch[-1].number("ms", 0) if batch[-1].act == "pause" else 0
        async with self._at_most(PEER_SECONDS):
            # A pause gives the client time for something, and so must give it turns.
            played, _ = await asyncio.gather(self._peer.run(self._name, batch), self._agent.rest(pause / 1000))
            self._remote, self._sent = played

    @asynccontextmanager
    async def _at_most(self, seconds: float) -> AsyncIterator[None]:
        """What is waited for at the peer's side; waited for no longer when the agent fails."""
        try:
            async with asyncio.timeout(seconds) as self._patience:
                yield
        finally:
            self._patience = None

    async def _play_other(self, step: Step) -> None:
        if step.actor == "network":
            await self.network.play(step, self._remote)
        elif step.actor == "container":
            async with self._at_most(CONTAINER_SECONDS):
                await self._peer.end(self._name, step)
        elif step.actor == "wait":
            await self._wait(step)
        elif step.act == "idle":
            await self._agent.rest(step.number("ms", 100) / 1000)
        elif step.act == "finish":
            assert self._pending is not None
            pending, self._pending = self._pending, None
            await self._observe(pending)
        else:
            asked = self._ask(step)
            if step.act == "begin exchange":
                self._pending = asked
            else:
                await self._observe(asked)

    async def _wait(self, step: Step) -> None:
        """Where the step says how long at most, that is counted in turns of the agent: it may come, or not."""
        waiting = asyncio.ensure_future(wait(step.act, self._view()))
        try:
            if at_most := step.number("at_most_ms", 0):
                resting = asyncio.ensure_future(self._agent.rest(at_most / 1000))
                try:
                    await asyncio.wait([waiting, resting], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    resting.cancel()
            else:
                async with asyncio.timeout(PEER_SECONDS):
                    await waiting
        finally:
            waiting.cancel()

    def _ask(self, step: Step) -> _Asked:
        self._closed |= step.act == "close"
        to = Session(self._client, self._name, self.network.host, self._port)
        begun = time.time_ns()
        if step.act in ("exchange", "begin exchange"):
            self.asked.append(Asked(step.text("method", "GET"), begun))
        asked = _Asked(step.act.removeprefix("begin "), *self._agent.ask(request(step, to, self._scenario)), begun)
        asked.future.add_done_callback(lambda _: self._answered(asked))
        return asked

    def _answered(self, asked: _Asked) -> None:
        """The reply has come, perhaps before the script asks for it: the spectator hears of it now, and once."""
        if asked.ended_ns:
            return  # heard of already, or too late
        asked.ended_ns = time.time_ns()
        future = asked.future
        if future.cancelled():
            return
        if future.exception() is not None:
            if self._patience is not None and not self._patience.expired():
                self._patience.reschedule(0)  # the peer waits in vain for a client whose agent has failed
            return
        if self._spectator is None:
            return
        if (reply := future.result()).result == "observed":
            self._spectator.observed(asked.given(reply))

    async def _observe(self, asked: _Asked) -> None:
        """Wait for the reply, at most to the deadline; a client that hangs in a live agent is an observation too."""
        try:
            async with asyncio.timeout(self._scenario.deadline):
                reply = await asyncio.shield(asked.future)
        except TimeoutError:
            if not await self._agent.alive():
                raise AgentFault(self._agent.fault) from None
            if asked.future.done():  # it had been ready, and the machine was busy
                reply = asked.future.result()
                self._heard(asked, reply)
                return
            asked.ended_ns = time.time_ns()
            self._take_evidence()
            self._hung = asked
            self.operations.append(operation := asked.given(None))
            if self._spectator is not None:
                self._spectator.observed(operation)
            return
        self._heard(asked, reply)

    def _heard(self, asked: _Asked, reply: Reply) -> None:
        self._answered(asked)
        if reply.result != "observed":
            raise AgentFault(f"the agent could not run {asked.op!r} of {self._client}: {reply.why or reply.result}")
        self.operations.append(asked.given(reply))

    def _tell(self, step: Step) -> None:
        if self._spectator is not None:
            self._spectator.step(step)

    def _view(self) -> View:
        """What a ``wait`` may look at now."""
        look = None
        client_port = self.network.client_port(self._remote)
        if self._lab.diag is not None and client_port is not None:
            ends = (self.network.client_host, client_port), (self.network.host, self._port)
            look = partial(self._lab.diag.look, *ends)
        return View(
            port=self._port, sent=self._sent, look=look, tracker=self._tracker,
            exchanges=sum(operation.op == "exchange" for operation in self.operations) + (self._pending is not None),
            answered=self._pending.future.done if self._pending is not None else None,
        )  # fmt: skip

    def _take_evidence(self) -> None:
        if self._tracker is not None:
            self.evidence = self._tracker.evidence()
            self.packets = tuple(self._tracker.packets)

    async def _end_session(self) -> None:
        if self._pending is not None:  # the script broke off in the middle of it
            self._agent.forget(self._pending.number)
        if self._closed:
            return
        self._closed = True
        self.closed_ns = time.time_ns()
        self._tell(_CLOSE)
        number, future = self._agent.ask(lambda id: Close(id=id, client=self._client, session=self._name))
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.shield(future)
        except TimeoutError:
            await self._agent.alive()
            self._agent.forget(number)

    async def release(self) -> None:
        """After the peer is gone: let an operation that hung return, and drop its late answer.

        Raises AgentFault where that answer says that the call itself had long returned: then the agent was late, and
        not the client. A call that hung was at it nearly all the time; half of it allows for a slow start.
        """
        if self._hung is None or self._agent.fault is not None:
            return
        await self._end_session()
        future = self._hung.future
        await asyncio.wait([future], timeout=CLOSE_SECONDS)
        if not future.done():
            await self._agent.alive()
        if not future.done():
            self._agent.forget(self._hung.number)
        elif not future.cancelled() and future.exception() is None:
            ms = future.result().ms
            if ms is not None and ms < self._scenario.deadline * 1000 / 2:
                raise AgentFault(
                    f"the agent of {self._client} answered too late: {self._hung.op!r} took {ms} ms by its own word"
                )
