"""What a client is: the only plumbing that a file of ``clients`` needs to know.

A client file wraps one API in a session class, whose methods call the API the way its documentation tells
users to, and let its exceptions out. They are all plain methods, which run in a thread, or all coroutines,
and then the session is made in the event loop too. They know nothing of the protocol, and judge nothing.

A session is over TLS, or is not, from the beginning: it is made with ``ca``, the PEM file of the one CA to trust,
or with ``None``. What trusting it costs, such as an ``ssl.SSLContext``, is made there, once, and never for a plain
session.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Union

if TYPE_CHECKING:
    from collections.abc import Awaitable


@dataclass
class Seen:
    """What the application has been given by now; it stays true when an exception follows."""

    phase: str | None = None
    """The call that is being made."""
    status: int | None = None
    received: int | None = None
    sha256: str | None = None
    eof: bool | None = None

    def __post_init__(self) -> None:
        self._hash = hashlib.sha256()

    def got(self, data: bytes) -> None:
        """Note bytes that the application has now, whether a call returned them or an error holds them."""
        if data:
            self._hash.update(data)
            self.received = (self.received or 0) + len(data)
            self.sha256 = self._hash.hexdigest()


@dataclass(frozen=True)
class HttpRequest:
    """The request that an ``http`` client performs."""

    method: str
    host: str
    port: int
    path: str
    body: bytes | None
    """``None`` for a method that has none."""
    tls: bool

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}{self.path}"


class HttpSession(Protocol):
    """One user of an ``http`` client."""

    def __init__(self, ca: str | None, /) -> None:
        """Touches no network."""

    def exchange(self, request: HttpRequest, seen: Seen, /) -> Awaitable[None] | None:
        """Perform the request and read the whole body, noting in ``seen`` what comes as it comes."""

    def close(self) -> Awaitable[None] | None:
        """Close all that the API lets its user close."""


class StreamSession(Protocol):
    """One user of a ``stream`` client, and its one connection."""

    def __init__(self, ca: str | None, /) -> None:
        """Touches no network."""

    def connect(self, host: str, port: int, /, *, keepalive: bool) -> Awaitable[None] | None:
        """Connect, the TLS handshake included. Nothing else is called unless it has succeeded."""

    def send(self, data: bytes, /) -> Awaitable[None] | None:
        """Send all of ``data``."""

    def recv(self, limit: int, /) -> Awaitable[bytes] | bytes:
        """Make one read of at most ``limit`` bytes; nothing means that the stream has ended."""

    def shutdown(self) -> Awaitable[None] | None:
        """Shut down the sending side."""

    def close(self) -> Awaitable[None] | None:
        """Close all that the API lets its user close."""


@dataclass(frozen=True)
class HttpClient:
    """An ``http`` client."""

    name: str
    session: type[HttpSession]
    libraries: tuple[str, ...] = ()
    """The distributions that it is made of, beside the standard library."""

    features: tuple[str, ...] = ("tls",)
    requires: tuple[str, ...] = ()
    """The features that a scenario must have for this client to be played in it."""

    layer: Literal["http"] = "http"
    ops: tuple[str, ...] = ("exchange", "close")


@dataclass(frozen=True)
class StreamClient:
    """A ``stream`` client; the fields are those of `HttpClient`."""

    name: str
    session: type[StreamSession]
    libraries: tuple[str, ...] = ()
    features: tuple[str, ...] = ("tls", "keepalive")
    requires: tuple[str, ...] = ()

    layer: Literal["stream"] = "stream"
    ops: tuple[str, ...] = ("exchange", "connect", "send", "recv", "shutdown", "close")


Client = Union[HttpClient, StreamClient]
