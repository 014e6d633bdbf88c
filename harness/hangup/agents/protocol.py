"""The agent protocol, version 2: JSON lines on an agent's standard input and output.

An agent first says hello, once. Then it answers each request with one reply of the same id; several requests may be
in flight, and replies come in any order. What a trial is expected to show is never part of a request. The published
form of these models is ``protocol-2.schema.json`` beside this file (``python -m hangup.agents.protocol`` writes it).

Bytes on the wire are carried as text in which each character is one byte (Latin-1).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

VERSION = 2
MAX_RECEIVED = 1 << 40
"""Bytes that a client may have received at most: far more than any script sends."""
MAX_LINE = 1 << 20
"""Bytes of the longest line that an agent may write; more is taken for a flood."""

Layer = Literal["stream", "http"]
ClientId = Annotated[str, Field(pattern=r"^[a-z0-9]+/[a-z0-9.+-]+$")]


class Message(BaseModel):
    """Every message is frozen; an unknown field or a number written as text is an error, so that slips are noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


CA = "HANGUP_CA"
"""The environment variable that names an agent the PEM file with the one certificate authority to trust."""

Feature = Literal["tls", "h2", "keepalive"]
"""What a client's API offers beside its operations: TLS, HTTP/2 (over TLS, by ALPN), TCP keep-alive."""


class ClientInfo(Message):
    """One client that the agent hosts, and the versions of the libraries it is made of."""

    layer: Layer
    ops: list[str] = Field(min_length=1)
    features: list[Feature] = []
    requires: list[Feature] = []
    """The features that a scenario must have for this client to be played in it: ``h2`` of one that speaks nothing
    else, or that is another client wherever HTTP/2 is not spoken."""
    versions: dict[str, str] = {}


class Hello(Message):
    """The agent's first line."""

    type: Literal["hello"]
    protocol: int
    language: str
    runtime: str
    """The runtime and its version as its users name it: ``CPython 3.11.7``, ``go1.26.8``."""
    clients: dict[ClientId, ClientInfo]


class Request(Message):
    """Fields that every request has."""

    id: int = Field(gt=0)
    client: ClientId
    session: str
    """One user of the client: sockets, pools and connections are shared within a session and never between two."""


class Target(Message):
    """Where to connect: an address literal and a port."""

    host: str
    port: int = Field(gt=0, lt=65536)
    tls: bool = False
    """Speak TLS (``https``). The client trusts the authority in the file that ``HANGUP_CA`` names, and is told so by
    its own documented option; nothing else of TLS is set."""


class Exchange(Request, Target):
    """One request and its response. The op that both layers share.

    An ``http`` client performs ``method`` on ``path`` with ``body``. A ``stream`` client connects unless the session
    is connected, sends ``request`` and reads until ``announced`` bytes or the end of the stream.
    """

    op: Literal["exchange"] = "exchange"
    method: Literal["GET", "POST"]
    path: str
    body: str
    request: str
    announced: int = Field(ge=0)
    fill: int = Field(default=0, ge=0)
    """So many bytes ``x`` follow ``body`` (``http``) or ``request`` (``stream``) as a part of it."""


class Connect(Request, Target):
    """Connect, for ``stream`` clients."""

    op: Literal["connect"] = "connect"
    keepalive: bool = False
    """Turn TCP keep-alive on, by the API's own option, with the system's timing where the API leaves it alone."""


class Send(Request):
    """Send all of ``data``, for ``stream`` clients."""

    op: Literal["send"] = "send"
    data: str
    fill: int = Field(default=0, ge=0)
    """So many bytes ``x`` follow ``data`` as a part of it."""


class Recv(Request):
    """Read until ``bytes`` bytes have come; where it is absent, until the end of the stream (``stream`` clients)."""

    op: Literal["recv"] = "recv"
    bytes: int | None = Field(default=None, gt=0)


class Shutdown(Request):
    """Shut down the sending side, as ``shutdown(SHUT_WR)`` does (``stream`` clients)."""

    op: Literal["shutdown"] = "shutdown"


class Close(Request):
    """End the session: close all that the client's API lets its user close."""

    op: Literal["close"] = "close"


class Ping(Message):
    """Is the agent alive? Answered at once, whatever else is in flight."""

    op: Literal["ping"] = "ping"
    id: int = Field(gt=0)


AnyRequest = Annotated[Exchange | Connect | Send | Recv | Shutdown | Close | Ping, Field(discriminator="op")]


class Link(Message):
    """One error of a chain, as the language shows it."""

    type: str
    """The type's name as its users write it: ``requests.exceptions.ConnectionError``, ``*net.OpError``."""
    message: str
    errno: int | None = None
    code: str | None = None
    """The symbolic name where the API gives one: ``ECONNRESET``, ``UND_ERR_SOCKET``."""


class Event(Message):
    """An error that the API told by an event, beside the answer of the call."""

    name: str = Field(min_length=1)
    """What told it, as the API names it: ``error of the response``."""
    error: list[Link] = Field(min_length=1)


class Reply(Message):
    """What the API gave. ``observed`` with no ``error`` means that the call returned normally."""

    type: Literal["reply"]
    id: int = Field(gt=0)
    result: Literal["observed", "unsupported", "failed"]
    """``observed``: the API's own answer. ``unsupported``: the client has no such op. ``failed``: the agent could not
    run it, which says nothing of the client; ``why`` tells."""
    why: str | None = None
    phase: Literal["connect", "send", "recv", "shutdown", "close", "exchange"] | None = None
    """The call that ended it, where the API lets its user know."""
    status: int | None = Field(default=None, ge=-1, le=999)
    """The HTTP status that the application was given: three digits at most. ``HttpURLConnection`` gives -1 where
    it finds none."""
    received: int | None = Field(default=None, ge=0, le=MAX_RECEIVED)
    """Bytes (``http``: of the body) that the application can use: returned, streamed to it, or held by the error.
    What an API hands out after it has told the error counts too: the agent listens until there is nothing more."""
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """SHA-256 of these bytes, in the order in which the application got them; absent where there are none."""
    eof: bool | None = None
    """For reads of a ``stream`` client: the read was told that the stream has ended (a zero read)."""
    ms: int | None = Field(default=None, ge=0)
    error: list[Link] | None = Field(default=None, min_length=1)
    """From what the application catches down to its cause."""
    events: list[Event] | None = Field(default=None, min_length=1)
    """Errors that events told beside ``error``, in their order, until the API had nothing more to tell."""
    printed: str | None = None
    """What the language prints for the error when nobody catches it."""


AnyMessage = Annotated[Hello | Reply, Field(discriminator="type")]
MESSAGE: TypeAdapter[Hello | Reply] = TypeAdapter(AnyMessage)

SCHEMA_FILE = Path(__file__).with_name("protocol-2.schema.json")


def schema_text() -> str:
    """The protocol's JSON Schema (2020-12), as it is published beside this module."""
    roots, schema = TypeAdapter.json_schemas(
        [
            ("request", "validation", TypeAdapter[object](AnyRequest)),
            ("message", "validation", MESSAGE),
        ],
        title="hangup agent protocol 2",
        description="Requests go to an agent's standard input, messages come from its standard output, a JSON "
        "object a line. Generated by `python -m hangup.agents.protocol`; do not edit.",
    )
    definitions = schema["$defs"]
    for definition in definitions.values():
        if "op" in definition["properties"]:
            definition["required"].append("op")  # it has a default in the models only
    definitions["Hello"]["properties"]["clients"]["additionalProperties"] = False  # names that are no ClientId
    definitions |= {name: root for (name, _mode), root in roots.items()}
    schema["anyOf"] = [{"$ref": "#/$defs/request"}, {"$ref": "#/$defs/message"}]
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
