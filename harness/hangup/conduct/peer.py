"""The harness's line to the peer: open a trial's port, have steps played on it, close it and get its log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hangup.catalogue import Step
from hangup.errors import LabError, PeerFault
from hangup.labs import Lab
from hangup.labs.process import Process

START_SECONDS = 20.0


@dataclass(frozen=True)
class LoggedRequest:
    """A request that the peer read."""

    method: str
    bytes: int
    complete: bool


@dataclass(frozen=True)
class LoggedConnection:
    """What the peer did on one connection: bytes read and sent, requests read, its steps in words.

    ``wire``: payload bytes that it gave to its kernel, which under TLS are more than it sent.
    """

    remote: int
    read: int
    sent: int
    requests: tuple[LoggedRequest, ...]
    events: tuple[str, ...]
    wire: int | None = None


class Peer:
    """The running peer. Trials are told apart by name; steps of one trial are played in order."""

    def __init__(self, process: Process, host: str) -> None:
        self._process = process
        self._host = host
        self._next = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._hello: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._why: str | None = None
        process.listen(self)

    @classmethod
    async def start(cls, lab: Lab) -> Peer:
        """Start it on the lab's far side. Raises LabError where it does not come up."""
        process = await lab.start_peer()
        peer = cls(process, lab.host)
        try:
            await asyncio.wait_for(peer._hello, START_SECONDS)
        except TimeoutError:
            raise LabError(f"the peer said no hello within {START_SECONDS:.0f} s") from None
        return peer

    async def open(self, trial: str, further: Sequence[Step]) -> int:
        """Listen on a port of the trial's own; ``further`` is played on every connection after the first."""
        answer = await self._call(
            {
                "do": "open",
                "trial": trial,
                "host": self._host,
                "steps_for_further": [_step(s) for s in further],
            }
        )
        return int(answer["port"])

    async def run(self, trial: str, steps: Sequence[Step]) -> tuple[int | None, int]:
        """Play steps on the trial's first connection.

        The client's port, once it was accepted, and how many bytes the peer has given to its kernel so far.
        """
        answer = await self._call({"do": "run", "trial": trial, "steps": [_step(s) for s in steps]})
        return (int(answer["remote"][1]), int(answer["wire"])) if "remote" in answer else (None, 0)

    async def close(self, trial: str) -> tuple[LoggedConnection, ...]:
        """End the trial, whatever it is doing; the log of its connections, in the order of their arrival."""
        answer = await self._call({"do": "close", "trial": trial})
        return tuple(
            LoggedConnection(
                remote=entry["remote"],
                read=entry["read"],
                sent=entry["sent"],
                requests=tuple(LoggedRequest(r["method"], r["bytes"], r["complete"]) for r in entry["requests"]),
                events=tuple(entry["events"]),
                wire=entry["wire"],
            )
            for entry in answer["log"]
        )

    async def stop(self) -> None:
        """End it."""
        await self._process.end()

    async def _call(self, message: dict[str, Any]) -> dict[str, Any]:
        """Raises PeerFault where the peer says that it could not."""
        if self._why is not None:
            raise LabError(f"the peer {self._why}")
        self._next += 1
        number = self._next
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._process.write(json.dumps({"id": number, **message}).encode() + b"\n")
        try:
            answer = await future
        finally:
            self._waiting.pop(number, None)
        if not answer["ok"]:
            raise PeerFault(answer["why"])
        return answer

    # Called by the process.

    def line(self, line: bytes) -> None:
        """One line from the peer."""
        message = json.loads(line)
        if "hello" in message:
            self._hello.set_result(message["hello"])
        elif (future := self._waiting.get(message["id"])) is not None and not future.done():
            future.set_result(message)

    def broken(self, why: str) -> None:
        """The peer has ended: nothing can go on."""
        self._why = f"{why}: {self._process.stderr.strip().rpartition(chr(10))[2][:300]}"
        for future in (self._hello, *self._waiting.values()):
            if not future.done():
                future.set_exception(LabError(f"the peer {self._why}"))


def _step(step: Step) -> dict[str, Any]:
    return {"step": step.act, **step.params}
