"""The agent protocol, version 2: requests from lines, lines from replies. It knows nothing of their work."""

from __future__ import annotations

import json
import platform
import threading
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from plumbing.client import Client

VERSION = 2


class RequestError(Exception):
    """A line is no request of this protocol; ``id`` is the line's, if it has one."""

    def __init__(self, why: str, id: int | None) -> None:
        super().__init__(why)
        self.id = id


@dataclass(frozen=True)
class Ping:
    """Is the agent alive?"""

    id: int


@dataclass(frozen=True)
class Request:
    """What every op has. A plain `Request` is an op that this agent does not know."""

    id: int
    op: str
    client: str
    session: str


@dataclass(frozen=True)
class Exchange(Request):
    """One request and its response."""

    host: str
    port: int
    method: str
    path: str
    body: str
    request: str
    announced: int
    fill: int = 0
    """So many bytes ``x`` follow the body, or the request, as a part of it."""
    tls: bool = False


@dataclass(frozen=True)
class Connect(Request):
    """Connect."""

    host: str
    port: int
    tls: bool = False
    keepalive: bool = False


@dataclass(frozen=True)
class Send(Request):
    """Send all of ``data``, and ``fill`` bytes ``x`` behind it."""

    data: str
    fill: int = 0


@dataclass(frozen=True)
class Recv(Request):
    """Read ``bytes`` bytes, or until the end of the stream where it is ``None``."""

    bytes: int | None = None


@dataclass(frozen=True)
class Shutdown(Request):
    """Shut down the sending side."""


@dataclass(frozen=True)
class Close(Request):
    """End the session."""


OPS: Mapping[str, type[Request]] = {
    "exchange": Exchange,
    "connect": Connect,
    "send": Send,
    "recv": Recv,
    "shutdown": Shutdown,
    "close": Close,
}


@dataclass(frozen=True)
class Link:
    """One error of a chain."""

    type: str
    message: str
    errno: int | None = None
    code: str | None = None


@dataclass(frozen=True)
class Reply:
    """What the API gave, or why there is nothing to tell."""

    id: int
    result: str
    why: str | None = None
    phase: str | None = None
    status: int | None = None
    received: int | None = None
    sha256: str | None = None
    eof: bool | None = None
    ms: int | None = None
    error: tuple[Link, ...] | None = None
    printed: str | None = None


def parse(line: bytes) -> Ping | Request:
    """The request of a line. Raises `RequestError`."""
    id = None
    try:
        fields = json.loads(line)
        id = fields["id"]
        op = fields["op"]
        if op == "ping":
            return Ping(id)
        if op in OPS:
            return OPS[op](**fields)
        return Request(id, op, fields["client"], fields["session"])
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(f"not a request of the protocol: {error!r}", id) from error


def _without_none(fields: Iterable[tuple[str, object]]) -> dict[str, object]:
    return {key: value for key, value in fields if value is not None}


def reply_line(reply: Reply) -> bytes:
    """The line of a reply; a field that is ``None`` is left out."""
    return _line({"type": "reply", **asdict(reply, dict_factory=_without_none)})


def hello_line(clients: Iterable[Client]) -> bytes:
    """The agent's first line."""
    return _line(
        {
            "type": "hello",
            "protocol": VERSION,
            "language": "python",
            "runtime": f"{platform.python_implementation()} {platform.python_version()}",
            "clients": {
                client.name: {
                    "layer": client.layer,
                    "ops": client.ops,
                    "features": client.features,
                    "requires": client.requires,
                    "versions": {library: version(library) for library in client.libraries},
                }
                for client in clients
            },
        }
    )


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


class Output:
    """The agent's output, which every thread writes to: whole lines, one at a time."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, line: bytes) -> None:
        """Write one line."""
        with self._lock:
            self._stream.write(line)
            self._stream.flush()
