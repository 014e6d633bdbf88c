"""The nursery's own process: it forks an owner for each connection that it is given, and reaps it.

It has no event loop and no socket of a trial, and knows nothing of steps. Its messages are a word and two numbers:

    adopt KEY, with two sockets     the connection, and the control socket of its owner to be
    born KEY PID                    or
    stillborn KEY ERRNO             it could not fork
    signal PID NUMBER
    reaped PID STATUS
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

from hangup_server import child

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE = 256
"""Bytes that hold any message."""


def main(control: socket.socket) -> NoReturn:
    """Lives until the peer closes the control socket, in a process that was just forked."""
    _run_forked(lambda: _nurse(control))


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
    message, fds, _, _ = socket.recv_fds(control, MESSAGE, 2)
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
