"""One running agent: requests out, replies in, and every way in which it can misbehave turned into an ``AgentFault``.

A reply is matched to its request by id. An id that was given up (``forget``) may still be answered, late, and the
answer is dropped; an id that was never asked, or is answered twice, is a fault.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from pydantic import ValidationError

from hangup.agents.build import Build
from hangup.agents.protocol import MESSAGE, VERSION, Hello, Message, Ping, Reply
from hangup.agents.pulse import Pulse
from hangup.errors import AgentFault
from hangup.labs.base import Lab
from hangup.labs.process import Process

START_SECONDS = 30.0
PING_SECONDS = 10.0
"""Both are counted in turns (``_patiently``): on a busy machine they last longer."""
TURNS = 4
"""So many pings, each sent when the one before is answered, say that the agent has had its turns on a processor. A
thread that wakes another, which wakes a third, needs as many."""
_SLICE_SECONDS = 0.05
_REST_SECONDS = 0.025


class Agent:
    """A started agent that has said hello."""

    def __init__(self, process: Process, language: str) -> None:
        self._process = process
        self._language = language
        self._hello: asyncio.Future[Hello] = asyncio.get_running_loop().create_future()
        self._hello.add_done_callback(_looked_at)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._forgotten: set[int] = set()
        self._next = 0
        self.fault: str | None = None
        """Why it can no longer be used."""
        self.pulse = Pulse(self._ping)
        process.listen(self)

    @classmethod
    async def start(cls, lab: Lab, build: Build) -> Agent:
        """Start it in the lab. Raises AgentFault where it does not come up as it should."""
        process = await lab.start_agent(build)
        agent = cls(process, build.manifest.language)
        try:
            if await _patiently(agent._hello, START_SECONDS):
                agent._check(agent._hello.result(), build)
            else:
                agent._fail(f"said no hello within {START_SECONDS:.0f} s")
        except AgentFault:
            await agent.stop()
            raise
        if agent.fault is not None:
            await agent.stop()
            raise AgentFault(agent.fault)
        agent.pulse.start()
        return agent

    @property
    def hello(self) -> Hello:
        """What it said when it started."""
        return self._hello.result()

    def _check(self, hello: Hello, build: Build) -> None:
        if hello.protocol != VERSION:
            self._fail(f"speaks protocol {hello.protocol}, not {VERSION}")
        declared = {name: entry.layer for name, entry in build.manifest.clients.items()}
        said = {name: info.layer for name, info in hello.clients.items()}
        if declared != said:
            self._fail(
                f"its hello and client.toml differ on its clients: {sorted(set(declared.items()) ^ set(said.items()))}"
            )

    def ask(self, make: Callable[[int], Message]) -> tuple[int, asyncio.Future[Reply]]:
        """Send the request that ``make`` makes of a fresh id; the id, and the reply to come."""
        self._next += 1
        number = self._next
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_looked_at)
        if self.fault is not None:
            future.set_exception(AgentFault(self.fault))
            return number, future
        self._waiting[number] = future
        self._process.write(make(number).model_dump_json(exclude_none=True).encode() + b"\n")
        return number, future

    def forget(self, number: int) -> None:
        """Give up on a reply: if it comes after all, it is dropped."""
        future = self._waiting.pop(number, None)
        if future is not None:
            future.cancel()
            self._forgotten.add(number)

    def _ping(self) -> asyncio.Future[Reply]:
        return self.ask(lambda number: Ping(id=number))[1]

    async def alive(self) -> bool:
        """Whether it still answers pings, and so has had its turns meanwhile. One that does not is at fault."""
        for _ in range(TURNS):
            if not await self._answers():
                return False
        return True

    async def _answers(self) -> bool:
        if not await _patiently(self._ping(), PING_SECONDS):
            self._fail(f"did not answer a ping within {PING_SECONDS:.0f} s")
        return self.fault is None

    async def rest(self, seconds: float) -> None:
        """Let time pass, in each part of which the agent has a turn: on a busy machine it lasts longer.

        So a client that notices an ending by itself, when it gets a turn, has noticed by then.
        """
        for _ in range(math.ceil(seconds / _REST_SECONDS)):
            await asyncio.sleep(_REST_SECONDS)
            if not await self._answers():
                return

    async def stop(self) -> None:
        """End it: politely, or by force where it is at fault."""
        self.pulse.stop()
        if self.fault is not None:
            self._process.kill()
        await self._process.end()

    # Called by the process.

    def line(self, line: bytes) -> None:
        """One line from the agent."""
        if self.fault is not None:
            return
        try:
            message = MESSAGE.validate_json(line)
        except ValidationError as error:
            detail = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in detail["loc"])
            why = f"{place or 'the line'}: {detail['msg']}"
            self._fail(f"wrote a line that is no message of the protocol ({why}): {line[:80]!r}")
            return
        if isinstance(message, Hello):
            if self._hello.done():
                self._fail("said hello twice")
            else:
                self._hello.set_result(message)
        elif (future := self._waiting.pop(message.id, None)) is not None:
            future.set_result(message)
        elif message.id in self._forgotten:
            self._forgotten.discard(message.id)
        else:
            self._fail(f"answered request {message.id}, which was not open: it answered twice, or made up an id")

    def broken(self, why: str) -> None:
        """The process has ended or writes what are no lines."""
        tail = self._process.stderr.strip().rpartition("\n")[2]
        self._fail(why + (f"; its last words: {tail[:200]}" if tail else ""))

    def _fail(self, why: str) -> None:
        if self.fault is None:
            self.fault = f"the {self._language} agent {why}"
            self._process.kill()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(AgentFault(self.fault))
        self._waiting.clear()
        if not self._hello.done():
            self._hello.set_exception(AgentFault(self.fault))


async def _patiently(future: asyncio.Future[Hello] | asyncio.Future[Reply], seconds: float) -> bool:
    """Whether it comes within this time, counted in slices in each of which this process has had a turn.

    A machine that is too busy for the agent is too busy for this process, too: then the slices last longer. So a busy
    machine is not taken for a dead agent.
    """
    for _ in range(max(1, round(seconds / _SLICE_SECONDS))):
        if (await asyncio.wait([future], timeout=_SLICE_SECONDS))[0]:
            return True
    return False


def _looked_at(future: asyncio.Future[Hello] | asyncio.Future[Reply]) -> None:
    """Who has failed asks no more for what is still to come; asyncio would print that as an error never retrieved."""
    if not future.cancelled():
        future.exception()
