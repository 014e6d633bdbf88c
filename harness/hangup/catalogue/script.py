"""The step language: which actors there are, what each can do, and with which parameters.

A step is one TOML table: ``{ peer = "send body", bytes = 512 }`` names its actor, its act and the act's parameters.
The peer's acts are its own (``hangup_server.steps``); the others stand here. Anything else is refused when it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from hangup.agents.protocol import Feature
from hangup_server import http
from hangup_server import script as peer_script
from hangup_server.steps import STEPS
from hangup_server.steps.sending import SendHead, SendStep
from hangup_server.steps.tls import TlsStep

Actor = Literal["client", "peer", "wait", "network", "container"]
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
        "data read": {"at_most_ms": int},  # the client has read all that has arrived
        # `at_most_ms`: then go on all the same, where some clients do not read now, or are blocked in a send
        "send blocked": {},  # the client's send buffer is full, and nothing moves any more
        "answer": {"at_most_ms": int},  # the client has its answer, which `finish` then observes
        # by the capture
        "data sent": {},  # the client has sent payload
        "request sent": {},  # the client has sent the whole request, whether or not it arrives
        "request acknowledged": {},  # the peer's kernel has all that the client sent
        "sent again": {},  # the client has sent something again: it has sent all that it could before
        "challenge ack": {},  # the client's kernel has answered a RST with an ACK, instead of taking it
    },
    "network": {
        # before the client connects: the address that it is told
        "blackhole": {},  # one from which nothing ever answers
        "no route": {},  # one to which the client's host has no route
        "published port": {},  # this machine's, with a port that leads into a container in which nothing listens
        "own address": {},  # its connections come from an address that is the trial's alone
        "translate": {},  # the router puts its own address, and a port that it draws, in place of the client's
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
        "forget": {},  # the router loses its translation: the next packet is translated anew, to another port
        "abort": {},  # the client's kernel aborts it
    },
    # What becomes of the container that the peer is the first process of, with a network address of its own.
    "container": {
        "kill": {},  # SIGKILL, and the engine takes its network away
        "stop": {"grace": int},  # SIGTERM, and SIGKILL after so many seconds
        "remove": {},  # by force, as it runs
        "pause": {},  # its processes are frozen; its kernel goes on
        "disconnect": {},  # from its network, with all its processes running
    },
}

NETWORK_NEEDS = {
    "blackhole": "net", "no route": "net", "published port": "published",
    "drop": "firewall", "reset": "firewall", "reject": "firewall", "unreachable": "firewall", "prohibit": "firewall",
    "gone": "firewall",
    "own address": "router", "remove address": "router",
    "forge rst": "router",
    "translate": "translation", "forget": "translation",
    "abort": "abort",
}  # fmt: skip
"""What the lab must have for each step of the network."""

PRIVILEGED = ("hold data", "hold all", "hold handshake", "vanish")
"""Peer acts that not every user may do to a socket."""

_TLS = frozenset(name for name, step in STEPS.items() if issubclass(step, TlsStep))

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


def features(act: str, params: Mapping[str, object]) -> set[Feature]:
    """What a client's API must offer, beside its operations, for a script with this act in it."""
    if act in _TLS:
        return {"tls", "h2"} if params.get("protocol") == "h2" else {"tls"}
    return {"keepalive"} if params.get("keepalive") is True else set()


Acts = Iterable[tuple[str, Mapping[str, object]]]
"""Acts of the peer, each with its parameters."""


def bytes_sent(acts: Acts) -> int:
    """Payload bytes that these acts of the peer put on the wire."""
    return sum(len(step.payload()) for step in _sends(acts))


def framing_sent(acts: Acts) -> int:
    """Those of them that are no part of a body: heads, and what frames the chunks of a chunked one."""
    return sum(step.framing for step in _sends(acts))


def content(acts: Acts, size: int) -> bytes:
    """The body of a whole response, of this ``size``: what the acts send of it, and what they would send further."""
    sent = b"".join(step.content() for step in _sends(acts))
    return sent if len(sent) == size else http.body(size)


def final_head(acts: Acts) -> SendHead | None:
    """The first head that is no interim response (1xx, RFC 9110 section 15.2)."""
    return next((step for step in _sends(acts) if isinstance(step, SendHead) and step.status >= 200), None)


def _sends(acts: Acts) -> list[SendStep]:
    sends = peer_script.parse([{"step": act, **params} for act, params in acts if act.startswith("send")])
    return [step for step in sends if isinstance(step, SendStep)]
