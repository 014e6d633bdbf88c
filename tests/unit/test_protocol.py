"""The agent protocol: the published schema is that of the models, and both draw the line at the same place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from hangup.agents.protocol import MESSAGE, SCHEMA_FILE, AnyRequest, schema_text

REQUEST: TypeAdapter[Any] = TypeAdapter(AnyRequest)
SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def schema_allows(kind: str, value: object) -> bool:
    """Whether the published schema takes the value for a ``request`` or a ``message``."""
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]}).is_valid(value)


def model_allows(kind: str, value: object) -> bool:
    try:
        (REQUEST if kind == "request" else MESSAGE).validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True


def test_the_published_schema_is_up_to_date() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


def test_the_published_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


HELLO = {
    "type": "hello", "protocol": 2, "language": "go", "runtime": "go1.26.8",
    "clients": {"go/net": {"layer": "stream", "ops": ["exchange", "close"], "versions": {"net": "go1.26.8"}}},
}  # fmt: skip
REPLY = {
    "type": "reply", "id": 7, "result": "observed", "phase": "recv", "status": 200, "received": 512, "eof": False,
    "sha256": "0123456789abcdef" * 4, "ms": 3, "printed": "Traceback …",
    "error": [{"type": "ConnectionResetError", "message": "…", "errno": 104, "code": "ECONNRESET"}],
    "events": [{"name": "error of the response", "error": [{"type": "Error", "message": "aborted"}]}],
}  # fmt: skip
EXCHANGE = {
    "op": "exchange", "id": 7, "client": "go/net", "session": "s", "host": "192.0.2.2", "port": 40000,
    "method": "POST", "path": "/", "body": "x=1", "request": "POST / HTTP/1.1\r\n\r\nx=1", "announced": 1063,
}  # fmt: skip
OF_SESSION = {"id": 7, "client": "go/net", "session": "s"}


def without(table: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != key}


GOOD = {
    "hello": ("message", HELLO),
    "hello of many": ("message", HELLO | {"clients": {"java/http.client": {"layer": "http", "ops": ["exchange"]}}}),
    "whole reply": ("message", REPLY),
    "bare reply": ("message", {"type": "reply", "id": 1, "result": "observed"}),
    "unsupported": ("message", {"type": "reply", "id": 1, "result": "unsupported"}),
    "failed": ("message", {"type": "reply", "id": 1, "result": "failed", "why": "no more threads"}),
    "error without a number": ("message", REPLY | {"error": [{"type": "java.io.EOFException", "message": ""}]}),
    "exchange": ("request", EXCHANGE),
    "connect": ("request", {"op": "connect", **OF_SESSION, "host": "192.0.2.2", "port": 1}),
    "send": ("request", {"op": "send", **OF_SESSION, "data": "\u00ff"}),
    "recv": ("request", {"op": "recv", **OF_SESSION, "bytes": 64}),
    "recv to the end": ("request", {"op": "recv", **OF_SESSION}),
    "shutdown": ("request", {"op": "shutdown", **OF_SESSION}),
    "close": ("request", {"op": "close", **OF_SESSION}),
    "ping": ("request", {"op": "ping", "id": 7}),
}
BAD = {
    "nothing": ("message", {}),
    "text": ("message", "hello"),
    "list": ("message", [REPLY]),
    "null": ("message", None),
    "unknown type": ("message", REPLY | {"type": "answer"}),
    "unknown field": ("message", REPLY | {"recieved": 512}),
    "unknown result": ("message", REPLY | {"result": "ok"}),
    "unknown phase": ("message", REPLY | {"phase": "read"}),
    "no id": ("message", without(REPLY, "id")),
    "id of zero": ("message", REPLY | {"id": 0}),
    "id as text": ("message", REPLY | {"id": "7"}),
    "id as truth": ("message", REPLY | {"id": True}),
    "fewer than no bytes": ("message", REPLY | {"received": -1}),
    "hash in capital letters": ("message", REPLY | {"sha256": "0123456789ABCDEF" * 4}),
    "hash of another kind": ("message", REPLY | {"sha256": "0123456789abcdef" * 2}),
    "hash as a number": ("message", REPLY | {"sha256": 0}),
    "events of nothing": ("message", REPLY | {"events": []}),
    "event without a name": ("message", REPLY | {"events": [{"name": "", "error": REPLY["error"]}]}),
    "event without an error": ("message", REPLY | {"events": [{"name": "close", "error": []}]}),
    "error of no links": ("message", REPLY | {"error": []}),
    "link without a message": ("message", REPLY | {"error": [{"type": "E"}]}),
    "number as code": ("message", REPLY | {"error": [{"type": "E", "message": "", "code": 104}]}),
    "hello of a client without ops": ("message", HELLO | {"clients": {"go/net": {"layer": "stream", "ops": []}}}),
    "hello of an unknown layer": ("message", HELLO | {"clients": {"go/net": {"layer": "udp", "ops": ["x"]}}}),
    "hello of a nameless client": ("message", HELLO | {"clients": {"net": {"layer": "http", "ops": ["x"]}}}),
    "unknown op": ("request", {"op": "flush", **OF_SESSION}),
    "no op": ("request", OF_SESSION),
    "unknown method": ("request", EXCHANGE | {"method": "PUT"}),
    "port of zero": ("request", EXCHANGE | {"port": 0}),
    "port beyond all": ("request", EXCHANGE | {"port": 65536}),
    "nothing to read": ("request", {"op": "recv", **OF_SESSION, "bytes": 0}),
    "ping of a client": ("request", {"op": "ping", **OF_SESSION}),
    "the expected answer": ("request", EXCHANGE | {"expected": "reset"}),
}


@pytest.mark.parametrize(("kind", "value"), GOOD.values(), ids=GOOD)
def test_what_the_protocol_allows(kind: str, value: object) -> None:
    assert model_allows(kind, value)
    assert schema_allows(kind, value)
    assert Draft202012Validator(SCHEMA).is_valid(value)


@pytest.mark.parametrize(("kind", "value"), BAD.values(), ids=BAD)
def test_what_the_protocol_refuses(kind: str, value: object) -> None:
    assert not model_allows(kind, value)
    assert not schema_allows(kind, value)
    assert not Draft202012Validator(SCHEMA).is_valid(value)


def test_requests_carry_no_more_than_they_must() -> None:
    """As the harness writes them: what has no value is left out, and the line is a request of the schema."""
    request = REQUEST.validate_python({"op": "recv", **OF_SESSION})
    line = json.loads(request.model_dump_json(exclude_none=True))
    assert line == {"op": "recv", **OF_SESSION}
    assert schema_allows("request", line)
