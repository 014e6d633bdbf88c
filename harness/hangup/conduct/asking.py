"""What a step of the client asks of its agent, in the agent's protocol. Pure: it knows neither agents nor replies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from hangup.agents.protocol import Close, Connect, Exchange, Message, Recv, Send, Shutdown
from hangup.catalogue import Scenario, Step

_BODY = "hangup=" + "x" * 57
"""The body of a POST: 64 bytes."""


class Session(NamedTuple):
    """Which client is asked, in the trial of which name, and the address that it is told."""

    client: str
    name: str
    host: str
    port: int


def request(step: Step, to: Session, scenario: Scenario) -> Callable[[int], Message]:
    """What makes the protocol's request of an id."""
    client, session, host, port = to
    tls = "tls" in scenario.features
    match step.act:
        case "connect":
            alive = step.params.get("keepalive") is True
            return lambda id: Connect(
                id=id, client=client, session=session, host=host, port=port, tls=tls, keepalive=alive
            )
        case "send":
            fill = step.number("bytes", 64)
            return lambda id: Send(id=id, client=client, session=session, data="", fill=fill)
        case "recv":
            size = step.number("bytes", 0) or None
            return lambda id: Recv(id=id, client=client, session=session, bytes=size)
        case "shutdown":
            return lambda id: Shutdown(id=id, client=client, session=session)
        case "close":
            return lambda id: Close(id=id, client=client, session=session)
    return _exchange(step, to, scenario)


def _exchange(step: Step, to: Session, scenario: Scenario) -> Callable[[int], Message]:
    method: Literal["GET", "POST"] = "POST" if step.text("method", "GET") == "POST" else "GET"
    body = _BODY if method == "POST" else ""
    fill = max(0, step.number("bytes", 0) - len(body)) if body else 0
    length = f"Content-Length: {len(body) + fill}\r\n" if body else ""
    head = f"{method} / HTTP/1.1\r\nHost: {to.host}:{to.port}\r\n{length}\r\n"
    return lambda id: Exchange(
        id=id, client=to.client, session=to.name, host=to.host, port=to.port, tls="tls" in scenario.features,
        method=method, path="/", body=body, request=head + body, announced=scenario.announced, fill=fill,
    )  # fmt: skip
