"""The step language: which actors there are, what each can do, and with which parameters.

A step is one TOML table: ``{ peer = "send body", bytes = 512 }`` names its actor, its act and the act's parameters.
The peer's acts are its own (``hangup_server.steps``); the others stand here. Anything else is refused when it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from hangup_server import http, steps
from hangup_server import script as peer_script

Actor = Literal["client", "peer", "wait", "network"]
ACTORS: tuple[Actor, ...] = get_args(Actor)

Parameters = dict[str, type]

ACTS: dict[Actor, dict[str, Parameters]] = {
    "client": {
        "begin exchange": {"method": str, "bytes": int},  # start a request; the client blocks in it from here on
        # `bytes`: of the request's body, where a POST has more than its usual 64
        "finish": {},  # wait for the exchange begun: an observation
        "exchange": {"method": str, "bytes": int},  # both in one
        "connect": {"keepalive": bool},
        "send": {"bytes": int},
        "recv": {"bytes": int},  # without `bytes`: to the end of the stream
        "shutdown": {},
        "close": {},
        "idle": {"ms": int},  # the application does something else; event-driven clients may notice the ending
    },
    "wait": {
        "fin at client": {},  # the client's kernel has the FIN
        "rst at client": {},  # the client's kernel has no such connection any more
        "data read": {},  # the client has read all that has arrived
        "data sent": {},  # the client's kernel has sent payload
        "sent again": {},  # the client's kernel has sent something again: it has sent all that it could before
        "challenge ack": {},  # the client's kernel has answered a RST with an ACK, instead of taking it
    },
    "network": {
        # before the client connects: the address that it is told
        "blackhole": {},  # one from which nothing ever answers
        "no route": {},  # one to which the client's host has no route
        "own address": {},  # its connections come from an address that is the trial's alone
        # at any time: what the router does from now on to the trial's packets, or with `flow` to its first connection's
        "drop": {"flow": bool},  # they vanish, either way
        "reset": {"flow": bool},  # the client's are answered with a RST, and go no further
        "reject": {"flow": bool},  # with ICMP: port unreachable
        "unreachable": {"flow": bool},  # with ICMP: host unreachable
        "prohibit": {"flow": bool},  # with ICMP: administratively prohibited
        "gone": {"flow": bool},  # the router sends them on to a host that does not answer ARP
        "remove address": {},  # the trial's own is taken from the client's host
        # on the first connection, once it is accepted
        "forge rst": {"to": str, "ahead": int},  # to the client or the `peer`; `ahead` of the number it awaits
        "abort": {},  # the client's kernel aborts it
    },
}

NETWORK_NEEDS = {
    "blackhole": "net", "no route": "net",
    "drop": "firewall", "reset": "firewall", "reject": "firewall", "unreachable": "firewall", "prohibit": "firewall",
    "gone": "firewall",
    "own address": "router", "remove address": "router",
    "forge rst": "router",
    "abort": "abort",
}  # fmt: skip
"""What the lab must have for each step of the network."""

BEGINS_CONNECTION = (
    "stop listening", "await connection", "hold handshake", "release handshake", "fill queue",
    "hold data", "accept",
)  # fmt: skip
"""Peer acts that a further connection does not repeat: the listener's, and the accept itself."""

PRIVILEGED = ("hold data", "hold all", "hold handshake", "vanish")
"""Peer acts that not every user may do to a socket."""

RESPONSE_LENGTH = 1024
"""Bytes of the body that a whole response has, where a script sends none."""


def check(actor: Actor, act: str, params: Mapping[str, object]) -> None:
    """Raises ValueError, in words, for an act or a parameter that is not in the language."""
    if actor == "peer":
        try:
            peer_script.parse([{"step": act, **params}])
        except peer_script.ScriptError as error:  # it counts from the list that it was given
            raise ValueError(str(error).removeprefix("step 1: ")) from None
        return
    acts = ACTS[actor]
    if act not in acts:
        raise ValueError(f"{actor} has no step {act!r}; it has: {', '.join(acts)}")
    for name, value in params.items():
        wanted = acts[act].get(name)
        if wanted is None:
            raise ValueError(f"{actor} step {act!r} takes no {name!r}")
        if type(value) is not wanted:
            raise ValueError(f"{name!r} of {actor} step {act!r} must be a {wanted.__name__}")


def bytes_sent(acts: Iterable[tuple[str, Mapping[str, object]]]) -> int:
    """Payload bytes that these acts of the peer put on the wire."""
    sends = peer_script.parse([{"step": act, **params} for act, params in acts if act.startswith("send")])
    return sum(len(step.payload()) for step in sends if isinstance(step, steps.SendStep))


def head_sent(acts: Iterable[tuple[str, Mapping[str, object]]]) -> int:
    """Bytes of response heads that a script has the peer send."""
    return sum(len(_head(params)[: _int(params.get("bytes"))]) for act, params in acts if act == "send head")


def announced(acts: Iterable[tuple[str, Mapping[str, object]]]) -> int:
    """Bytes of the whole response, head and body, that a script's first head announces: what a reader waits for."""
    params = _first_head(acts)
    return len(_head(params)) + (_int(params.get("length")) or 0)


def announced_length(acts: Iterable[tuple[str, Mapping[str, object]]]) -> int:
    """Bytes of the body alone that a script's first head announces."""
    return _int(_first_head(acts).get("length")) or 0


def _first_head(acts: Iterable[tuple[str, Mapping[str, object]]]) -> Mapping[str, object]:
    return next((params for act, params in acts if act == "send head"), {"length": RESPONSE_LENGTH})


def _head(params: Mapping[str, object]) -> bytes:
    return http.response_head(
        _int(params.get("status")) or 200,
        length=_int(params.get("length")),
        close=params.get("close") is True,
    )


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None
