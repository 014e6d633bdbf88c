"""Gives a connection to a process of its own, so that the process can be killed and the kernel ends it.

The peer must not fork for this: the child would inherit every other trial's sockets. So the nursery, a small
process without any socket of a trial, is forked before the first one exists; it gets each connection by
SCM_RIGHTS, forks its owner, and keeps no copy. When the peer goes, by whatever death, the nursery reads end
of file and kills its children.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeVar

from hangup_server import child
from hangup_server.errors import StepError
from hangup_server.log import ConnectionLog
from hangup_server.script import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hangup_server.connection import Connection
    from hangup_server.steps.process import ProcessStep
    from hangup_server.steps.step import ConnectionStep

T = TypeVar("T")

_DEAD = "the nursery of the peer has died"
_MESSAGE = 256
"""Bytes that hold any message between peer and nursery: a word and two numbers."""


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
            _run_forked(lambda: _nurse(theirs))
        theirs.close()
        self._last_key = 0
        self._unborn: dict[int, asyncio.Future[_Child]] = {}
        self._living: dict[int, asyncio.Future[int]] = {}

    def listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._control, self._hear)

    def close(self) -> None:
        """Ends all children and the nursery itself, and waits until they are gone."""
        self._loop.remove_reader(self._control)
        self._control.close()
        os.waitpid(self._pid, 0)

    async def adopt(self, connection: Connection) -> OwnedConnection:
        """When it returns, a new process and nobody else owns the connection. Raises OSError, StepError."""
        ours, theirs = socket.socketpair()
        try:
            self._last_key += 1
            with theirs, connection.detach() as sock:
                message = f"adopt {self._last_key}".encode()
                socket.send_fds(self._control, [message], [sock.fileno(), theirs.fileno()])
            born = self._unborn[self._last_key] = self._loop.create_future()
            return OwnedConnection(self, await born, ours)
        except BaseException:
            ours.close()  # a child that is born all the same reads end of file, and ends
            raise

    def signal(self, pid: int, number: signal.Signals) -> None:
        """The nursery sends it: it alone knows that the process is not reaped and its number not reused."""
        try:
            self._control.send(f"signal {pid} {int(number)}".encode())
        except OSError:
            raise StepError(_DEAD) from None

    def _hear(self) -> None:
        try:
            message = self._control.recv(_MESSAGE, socket.MSG_DONTWAIT).decode()
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
        self._nursery.signal(self._process.pid, step.signal)
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


# What follows runs in the nursery's own process, which has no event loop.


def _nurse(control: socket.socket) -> None:
    for fd in (0, 1):  # the harness must not wait for our copies of its pipes
        os.dup2(os.open(os.devnull, os.O_RDWR), fd)
    os.setsid()  # Ctrl+C in a terminal is for the peer to handle
    # A signal for a child waits until the child can handle it.
    signal.pthread_sigmask(signal.SIG_BLOCK, child.SIGNALS)
    wake, waker = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    gc.freeze()
    children: set[int] = set()
    while True:
        ready, _, _ = select.select([control.fileno(), wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            _reap(control, children)
        if control.fileno() in ready and not _obey(control, children, (wake, waker)):
            break
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _obey(control: socket.socket, children: set[int], private: tuple[int, int]) -> bool:
    """Does what one message asks for; False at end of file."""
    message, fds, _, _ = socket.recv_fds(control, _MESSAGE, 2)
    if not message:
        return False
    word, *numbers = message.decode().split()
    if word == "signal":
        pid, number = int(numbers[0]), int(numbers[1])
        if pid in children:
            os.kill(pid, number)
        return True
    answer = "born {} {}"
    try:
        result = os.fork()
        if result == 0:
            control.close()
            _run_forked(lambda: _become_child(fds, private))
        children.add(result)
    except OSError as error:
        answer, result = "stillborn {} {}", error.errno or 0
    for fd in fds:
        os.close(fd)
    control.send(answer.format(numbers[0], result).encode())
    return True


def _become_child(fds: list[int], private: tuple[int, int]) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for fd in private:
        os.close(fd)
    connection, control = (socket.socket(fileno=fd) for fd in fds)
    with connection, control:
        child.main(connection, control)


def _reap(control: socket.socket, children: set[int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        children.remove(pid)
        control.send(f"reaped {pid} {status}".encode())


def _run_forked(work: Callable[[], None]) -> NoReturn:
    """Runs `work` in a process that was just forked, and never returns into its parent's code."""
    status = 1
    try:
        work()
        status = 0
    except Exception:
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(status)
