"""The harness's line to the peer: open a trial's port, have steps played on it, close it and get its log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hangup.catalogue import Step
from hangup.errors import LabError, PeerFault
from hangup.labs import Lab
from hangup.labs.process import Process

START_SECONDS = 60.0


@dataclass(frozen=True)
class LoggedRequest:
    """A request that the peer read."""

    method: str
    bytes: int
    complete: bool
    answered: int | None = None
    """The status of the final response that the peer began to send for it."""
    drained: bool = False
    """The peer read the end of it only behind its own answer."""
    refused: bool = False
    """The peer said that it did nothing for it (HTTP/2: REFUSED_STREAM, or GOAWAY with a lower last stream)."""


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


class TrialPeer(Protocol):
    """The peer as a trial knows it. Each trial has a name."""

    @property
    def host(self) -> str:
        """Its address, as clients are told it."""
        ...

    async def open(self, trial: str, further: Sequence[Step]) -> int:
        """Listen on a port of the trial's own; ``further`` is played on every connection after the first."""
        ...

    async def run(self, trial: str, steps: Sequence[Step]) -> tuple[int | None, int]:
        """Play steps on the trial's first connection.

        The client's port, once it was accepted, and how many bytes the peer has given to its kernel so far.
        """
        ...

    async def end(self, trial: str, step: Step) -> None:
        """Have the peer's container end as the step says, where it is in one that may."""
        ...

    async def close(self, trial: str) -> tuple[LoggedConnection, ...]:
        """End the trial, whatever it is doing; the log of its connections, in the order of their arrival."""
        ...


class Peer:
    """The running peer. Trials are told apart by name; steps of one trial are played in order."""

    def __init__(self, process: Process, host: str) -> None:
        self._process = process
        self.host = host
        self._next = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._hello: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._why: str | None = None
        process.listen(self)

    @classmethod
    async def start(cls, lab: Lab, keys: Path | None = None) -> Peer:
        """Start it on the lab's far side. Raises LabError where it does not come up."""
        return await cls.greet(await lab.start_peer(keys), lab.host)

    @classmethod
    async def greet(cls, process: Process, host: str) -> Peer:
        """Wait for the hello of one that was started. Raises LabError where none comes."""
        peer = cls(process, host)
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.shield(peer._hello)
        except TimeoutError:
            raise LabError(f"the peer said no hello within {START_SECONDS:.0f} s") from None
        return peer

    async def open(self, trial: str, further: Sequence[Step], port: int = 0) -> int:
        """Listen on a port of the trial's own; ``further`` is played on every connection after the first."""
        answer = await self._call(
            {
                "do": "open",
                "trial": trial,
                "host": self.host,
                "port": port,
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

    async def end(self, trial: str, step: Step) -> None:
        """Not this one: it plays all trials of a run."""
        raise LabError(f"{trial}: the peer of a whole run was to meet {step.act!r}")

    async def log(self, trial: str) -> tuple[LoggedConnection, ...]:
        """The log of the trial's connections so far."""
        return _log(await self._call({"do": "log", "trial": trial}))

    async def close(self, trial: str) -> tuple[LoggedConnection, ...]:
        """End the trial, whatever it is doing; the log of its connections, in the order of their arrival."""
        return _log(await self._call({"do": "close", "trial": trial}))

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


def _log(answer: dict[str, Any]) -> tuple[LoggedConnection, ...]:
    return tuple(
        LoggedConnection(
            remote=entry["remote"],
            read=entry["read"],
            sent=entry["sent"],
            requests=tuple(_request(r) for r in entry["requests"]),
            events=tuple(entry["events"]),
            wire=entry["wire"],
        )
        for entry in answer["log"]
    )


def _request(entry: dict[str, Any]) -> LoggedRequest:
    names = ("method", "bytes", "complete", "answered", "drained", "refused")
    return LoggedRequest(**{name: entry[name] for name in names})


def logged(ports: Sequence[int], log: Sequence[LoggedConnection]) -> list[LoggedConnection | None]:
    """The log of each connection that the capture shows, by the client's ``ports``; None where the peer never saw it.

    Where the network translates, the peer knows other ports: what fits no port belongs to the connections that are
    left, in their order.
    """
    by_port = {entry.remote: entry for entry in log}
    others = iter([entry for entry in log if entry.remote not in ports])
    return [by_port[port] if port in by_port else next(others, None) for port in ports]


def _step(step: Step) -> dict[str, Any]:
    return {"step": step.act, **step.params}
