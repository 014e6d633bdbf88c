"""One user of one client: its ops, one at a time, and its end, which may come while an op still blocks.

A blocked call of a library cannot be cancelled from outside, but its sockets can be shut down under it. A
session knows its sockets from the audit events that Python raises for each that is made, and for each connect, so
that neither a client file nor its library has to help.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
import traceback
from contextvars import ContextVar
from dataclasses import asdict
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

from plumbing.client import Seen
from plumbing.errors import chain, printed
from plumbing.protocol import Reply
from plumbing.work import ImpossibleError, work_of

if TYPE_CHECKING:
    from plumbing.client import Client
    from plumbing.protocol import Request
    from plumbing.work import Work


class AbandonedError(Exception):
    """The session has ended, so its client must not connect any more."""


class Session:
    """One session. The thread that reads requests calls ``begin`` and ``abandon``, a worker calls ``run``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._work: Work | None = None
        self._lock = threading.Lock()  # of all below
        self._sockets: WeakKeyDictionary[socket.socket, None] = WeakKeyDictionary()  # in the order of their making
        self._busy = False
        self._abandoned = False

    def begin(self) -> None:
        """An op is about to run."""
        with self._lock:
            self._busy = True

    def abandon(self) -> bool:
        """If an op runs, wake it, and let it close the session when it ends. Was there one?"""
        with self._lock:
            if not self._busy:
                return False
            self._abandoned = True
            sockets = list(self._sockets)
        for each in sockets:  # an SSLSocket takes over the descriptor of one before it, which may happen just now
            with contextlib.suppress(OSError):  # it need not be connected any more, nor open
                socket.socket.shutdown(each, socket.SHUT_RDWR)  # an SSLSocket's own would end its TLS first
        return True

    def using(self, connection: socket.socket) -> None:
        """An op is about to make or to connect a socket. Raises `AbandonedError`."""
        with self._lock:
            if self._abandoned:
                raise AbandonedError
            self._sockets.setdefault(connection)

    async def run(self, request: Request) -> Reply:
        """Run one op. It raises nothing, and waits only where the client's methods are coroutines."""
        token = _RUNNING.set(self)
        try:
            reply = await self._observe(request)
            with self._lock:
                self._busy = False
                abandoned = self._abandoned
            if not abandoned:
                return reply
            if self._work is not None:
                with contextlib.suppress(Exception):  # nobody is left to be told
                    await self._work.close()
            return Reply(request.id, "failed", why="the session was closed while the op ran")
        finally:
            _RUNNING.reset(token)

    async def _observe(self, request: Request) -> Reply:
        seen = Seen()
        begun = time.perf_counter()
        try:
            if self._work is None:
                self._work = work_of(self._client, request)
                begun = time.perf_counter()
            await self._work.perform(request, seen)
        except ImpossibleError as reason:
            return Reply(request.id, "failed", why=str(reason))
        except BaseException as error:  # whatever it is, the application would have got it
            ms = _milliseconds_since(begun)
            text = printed(error)
            if text is None:  # but only the client file stands for an application
                return Reply(request.id, "failed", why=traceback.format_exc())
            return Reply(request.id, "observed", ms=ms, error=chain(error), printed=text, **asdict(seen))
        return Reply(request.id, "observed", ms=_milliseconds_since(begun), **asdict(seen))


def _milliseconds_since(begun: float) -> int:
    return round((time.perf_counter() - begun) * 1000)


_RUNNING: ContextVar[Session | None] = ContextVar("the session whose op runs here", default=None)


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.__new__", "socket.connect"):
        session = _RUNNING.get()
        if session is not None:
            session.using(cast("socket.socket", arguments[0]))


sys.addaudithook(_watch)
