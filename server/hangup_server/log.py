"""What the peer remembers of a connection: what was read, what was sent, and the steps as they were done.

Plain data with its JSON form. It is filled where the connection lives; from a child process it comes as JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple


class Address(NamedTuple):
    """The client's end of a connection."""

    host: str
    port: int


@dataclass
class RequestLog:
    """One HTTP request as far as it was read; `bytes` counts its head and its framing too, but not those of HTTP/2.

    `answered` is the status of the final response that was begun for it, `drained` says that its end was read only
    behind that, and `refused` that the client was told that nothing was done for it. What was answered without being
    read at all has no method.
    """

    method: str
    path: str
    bytes: int
    complete: bool
    answered: int | None = None
    drained: bool = False
    refused: bool = False


@dataclass
class ConnectionLog:
    """`read` and `sent` count what was said, `wire` the payload bytes that send(2) took: under TLS these are more."""

    read: int = 0
    sent: int = 0
    wire: int = 0
    requests: list[RequestLog] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(entry: dict[str, Any]) -> ConnectionLog:
        requests = [RequestLog(**request) for request in entry["requests"]]
        return ConnectionLog(entry["read"], entry["sent"], entry["wire"], requests, entry["events"])
