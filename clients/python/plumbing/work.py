"""The ops, in terms of a session's methods. It knows what an op means, and nothing of threads and loops.

Sessions with plain methods and those with coroutines share this code: it is written as coroutines, which
never wait where the methods are plain.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, Union

from plumbing.client import HttpClient, HttpRequest
from plumbing.protocol import Close, Connect, Exchange, Recv, Send, Shutdown

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from plumbing.client import Client, HttpSession, Seen, StreamSession
    from plumbing.protocol import Request

T = TypeVar("T")

LARGEST_READ = 65536


class ImpossibleError(Exception):
    """The agent cannot run the op now; the text says why."""


async def _settle(result: Awaitable[T] | T) -> T:
    return await result if inspect.isawaitable(result) else result


def _filled(text: str, fill: int) -> bytes:
    return text.encode("latin-1") + b"x" * fill


class HttpWork:
    """The ops of a session of an ``http`` client."""

    def __init__(self, session: HttpSession, *, tls: bool) -> None:
        self._session = session
        self._tls = tls

    async def perform(self, request: Request, seen: Seen) -> None:
        """Perform one op. Raises what the API raises."""
        if isinstance(request, Exchange):
            seen.phase, seen.received = "exchange", 0
            body = _filled(request.body, request.fill) if request.method == "POST" else None
            if request.tls != self._tls:
                raise ImpossibleError("a session is over TLS, or is not, from its first request on")
            wanted = HttpRequest(request.method, request.host, request.port, request.path, body, request.tls)
            await _settle(self._session.exchange(wanted, seen))
        elif isinstance(request, Close):
            seen.phase = "close"
            await self.close()

    async def close(self) -> None:
        """Close the session."""
        await _settle(self._session.close())


class StreamWork:
    """The ops of a session of a ``stream`` client."""

    def __init__(self, session: StreamSession) -> None:
        self._session = session
        self._connected = False

    async def perform(self, request: Request, seen: Seen) -> None:
        """Perform one op. Raises what the API raises, or `ImpossibleError`."""
        if isinstance(request, Exchange):
            seen.received, seen.eof = 0, False
            if not self._connected:
                await self._connect(request, seen)
            await self._send(_filled(request.request, request.fill), seen)
            await self._recv(request.announced, seen)
        elif isinstance(request, Connect):
            if self._connected:
                raise ImpossibleError("the session is connected already")
            await self._connect(request, seen)
        elif isinstance(request, Close):
            seen.phase = "close"
            await self.close()
        elif not self._connected:
            raise ImpossibleError("the session has no connection")
        elif isinstance(request, Send):
            await self._send(_filled(request.data, request.fill), seen)
        elif isinstance(request, Recv):
            seen.received, seen.eof = 0, False
            await self._recv(request.bytes, seen)
        elif isinstance(request, Shutdown):
            seen.phase = "shutdown"
            await _settle(self._session.shutdown())

    async def close(self) -> None:
        """Close the session."""
        if self._connected:
            await _settle(self._session.close())

    async def _connect(self, target: Connect | Exchange, seen: Seen) -> None:
        seen.phase = "connect"
        keepalive = isinstance(target, Connect) and target.keepalive
        await _settle(self._session.connect(target.host, target.port, keepalive=keepalive))
        self._connected = True

    async def _send(self, data: bytes, seen: Seen) -> None:
        seen.phase = "send"
        await _settle(self._session.send(data))

    async def _recv(self, wanted: int | None, seen: Seen) -> None:
        """Read ``wanted`` bytes, or until the end of the stream where it is ``None``."""
        seen.phase = "recv"
        received = 0
        while wanted is None or received < wanted:
            limit = LARGEST_READ if wanted is None else min(LARGEST_READ, wanted - received)
            data = await _settle(self._session.recv(limit))
            if not data:
                seen.eof = True
                return
            received += len(data)
            seen.got(data)


Work = Union[HttpWork, StreamWork]


def work_of(client: Client, first: Request) -> Work:
    """The ops of a new session of a client, which is over TLS where its first request is.

    Raises `ImpossibleError` where there is no CA to trust.
    """
    ca = None
    if isinstance(first, (Exchange, Connect)) and first.tls:
        ca = os.environ.get("HANGUP_CA")
        if not ca or not Path(ca).is_file():
            raise ImpossibleError("the environment variable HANGUP_CA names no file with a CA to trust")
    if isinstance(client, HttpClient):
        return HttpWork(client.session(ca), tls=ca is not None)
    return StreamWork(client.session(ca))
