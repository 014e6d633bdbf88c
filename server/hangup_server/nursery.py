"""Gives a connection to a process of its own, so that the process can be killed and the kernel ends it.

The peer must not fork for this: the child would inherit every other trial's sockets. So the nursery, a small
process without any socket of a trial, is forked before the first one exists; it gets each connection by
SCM_RIGHTS, forks its owner, and keeps no copy. When the peer goes, by whatever death, the nursery reads end
of file and kills its children.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hangup_server import child, kernel, nurse
from hangup_server.errors import StepError
from hangup_server.log import ConnectionLog
from hangup_server.script import as_json
from hangup_server.waiting import writable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hangup_server.connection import Connection
    from hangup_server.steps.process import ProcessStep
    from hangup_server.steps.step import ConnectionStep

T = TypeVar("T")

_DEAD = "the nursery of the peer has died"


class _Child(NamedTuple):
    pid: int
    reaped: asyncio.Future[int]
    """Its wait status, once it has been reaped."""


class Nursery:
    """The peer's side. Make it before any other socket, and `listen` once the event loop runs."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pid = os.fork()
        if self._pid == 0:
            self._control.close()
            nurse.main(theirs)
        theirs.close()
        self._control.setblocking(False)
        self._last_key = 0
        self._unborn: dict[int, asyncio.Future[_Child]] = {}
        self._living: dict[int, asyncio.Future[int]] = {}

    def listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._sending = asyncio.Lock()
        self._loop.add_reader(self._control, self._hear)

    def close(self) -> None:
        """Ends all children and the nursery itself, and waits until they are gone."""
        self._loop.remove_reader(self._control)
        self._control.close()
        os.waitpid(self._pid, 0)

    async def adopt(self, connection: Connection) -> OwnedConnection:
        """When it returns, a new process and nobody else owns the connection. Raises OSError, StepError."""
        ours, theirs = socket.socketpair()
        self._last_key += 1
        key = self._last_key
        born = self._unborn[key] = self._loop.create_future()
        try:
            with theirs, connection.detach() as sock:
                await self._send(f"adopt {key}", sock.fileno(), theirs.fileno())
            return OwnedConnection(self, await born, ours)
        except BaseException:
            self._unborn.pop(key, None)
            ours.close()  # a child that is born all the same reads end of file, and ends
            raise

    async def signal(self, pid: int, number: signal.Signals) -> None:
        """The nursery sends it: it alone knows that the process is not reaped and its number not reused."""
        try:
            await self._send(f"signal {pid} {int(number)}")
        except OSError:
            raise StepError(_DEAD) from None

    async def _send(self, message: str, *fds: int) -> None:
        """Goes on hearing while there is no room: the nursery may be waiting for us to hear it."""
        async with self._sending:
            while kernel.unless_blocked(socket.send_fds, self._control, [message.encode()], fds) is None:
                await writable(self._control)

    def _hear(self) -> None:
        try:
            message = self._control.recv(nurse.MESSAGE, socket.MSG_DONTWAIT).decode()
        except BlockingIOError:
            return
        except OSError:
            message = ""
        if not message:
            self._lost()
            return
        word, *numbers = message.split()
        first, second = (int(number) for number in numbers)
        if word == "born":
            reaped = self._living[second] = self._loop.create_future()
            _settle(self._unborn.pop(first), _Child(second, reaped))
        elif word == "reaped":
            _settle(self._living.pop(first), second)
        else:
            _fail(self._unborn.pop(first), f"accept: cannot fork: {os.strerror(second)}")

    def _lost(self) -> None:
        self._loop.remove_reader(self._control)
        for born in self._unborn.values():
            _fail(born, f"accept: {_DEAD}")
        for reaped in self._living.values():
            _fail(reaped, _DEAD)
        self._unborn.clear()
        self._living.clear()


class OwnedConnection:
    """A connection that a child process owns: steps go to the child, its log comes back with each answer."""

    def __init__(self, nursery: Nursery, process: _Child, control: socket.socket) -> None:
        control.setblocking(False)
        self._nursery = nursery
        self._process = process
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._log = ConnectionLog(events=["accept"])
        self._ending: list[str] = []
        # Should the nursery die, nobody can signal the child any more, but it must not stay.
        process.reaped.add_done_callback(lambda _: self._let_go())

    async def run(self, steps: Sequence[ConnectionStep]) -> None:
        """As `Connection.run`, in the child."""
        with contextlib.suppress(OSError):  # a dead child is found when its answer is read
            await self._loop.sock_sendall(self._control, child.encode({"steps": as_json(steps)}))
        why = await self._answer()
        if why is not None:
            raise StepError(why)

    async def end(self, step: ProcessStep) -> None:
        """Sends the step's signal and waits until the process is reaped: its sockets are closed then."""
        if self._process.reaped.done():
            raise StepError(f"{step.name}: the process has ended already")
        await self._nursery.signal(self._process.pid, step.signal)
        self._ending.append(step.name)
        await self._gone()

    async def close(self) -> None:
        """Lets the child end, and takes its last words."""
        self._let_go()
        with contextlib.suppress(StepError):
            await self._gone()
        self._control.close()

    def log(self) -> ConnectionLog:
        return replace(self._log, events=self._log.events + self._ending)

    def _let_go(self) -> None:
        with contextlib.suppress(OSError):  # it has ended before
            self._control.shutdown(socket.SHUT_WR)

    async def _gone(self) -> None:
        with contextlib.suppress(StepError):
            while True:
                await self._answer()
        await asyncio.shield(self._process.reaped)

    async def _answer(self) -> str | None:
        """The child's next answer: None, or why a step could not be done. Raises StepError if none comes."""
        while b"\n" not in self._buffer:
            try:
                data = await self._loop.sock_recv(self._control, 1 << 16)
            except OSError:
                data = b""
            if not data:
                raise StepError(child.ENDED)
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer = json.loads(line)
        self._log = ConnectionLog.from_json(answer["log"])
        why: str | None = answer["why"]
        return why


def _settle(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], why: str) -> None:
    if not future.done():
        future.set_exception(StepError(why))
        future.exception()  # nobody need be waiting for it
