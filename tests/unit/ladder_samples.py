"""Made-up packets for the tests of the ladders, in a short notation: ``"2.5 > PA 1 42 100"``.

Milliseconds; ``>`` from the client, ``<`` from the peer and ``?`` from another host in its name; flags; relative
sequence number, acknowledgement number where there is an A, and bytes of payload.
"""

from __future__ import annotations

from hangup.agents.protocol import Reply
from hangup.conduct.trial import Operation
from hangup.ladder import Packet, Packets
from hangup.wire import Flow, IcmpError, Options, Segment

PORT = 9000
CLIENT_PORT = 40000
START = 1_700_000_000_000_000_000
BITS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}
ISN = {">": 0xFFFFFFF0, "<": 0x7FFFFFFE, "?": 0x7FFFFFFE}
"""Numbers that wrap, one of them within the first bytes of payload."""
CLIENT, PEER = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])

HANDSHAKE = ("0 > S 0", "0.02 < SA 0 1", "0.03 > A 1 1")
REQUEST = (*HANDSHAKE, "0.1 > PA 1 1 41", "0.12 < A 1 42")
INTERRUPTED = (
    *REQUEST,
    "2 < PA 1 42 1065",
    "2.01 > A 42 1066",
    "5 < FA 1066 42",
    "45 > A 42 1067",
    "105 > PA 42 1067 41",
    "105.03 < R 1067",
)
"""The end of ``server-interrupted``: FIN, then a request all the same, which draws RST."""


REQUEST_BYTES = b"GET / HTTP/1.1\r\nHost: peer.example:80\r\n\r\n"
assert len(REQUEST_BYTES) == 41


def at(ms: float) -> int:
    """A time of a trial, in nanoseconds."""
    return START + round(ms * 1e6)


def segment(text: str, *, client_port: int = CLIENT_PORT) -> Segment:
    """One segment."""
    ms, way, flags, seq, *rest = text.split()
    ack = int(rest.pop(0)) if "A" in flags else 0
    length = int(rest.pop(0)) if rest else 0
    there = way == ">"
    refusal = flags == "RA" and seq == "0"  # it knows no number of its own
    return Segment(
        number=1,
        time_ns=at(float(ms)),
        src=CLIENT if there else PEER,
        sport=client_port if there else PORT,
        dst=PEER if there else CLIENT,
        dport=PORT if there else client_port,
        seq=0 if refusal else (ISN[way] + int(seq)) & 0xFFFFFFFF,
        ack=(ISN["<" if there else ">"] + ack) & 0xFFFFFFFF if "A" in flags else 0,
        flags=sum(BITS[letter] for letter in flags),
        window=512,
        length=length,
        ttl=128 if way == "?" else 64,
        ip_id=None,
        options=Options(),
        payload=REQUEST_BYTES if there and length == len(REQUEST_BYTES) else b"x" * length,
        checksum_ok=None,
    )


def icmp(code: int, *, client_port: int = CLIENT_PORT) -> IcmpError:
    """Destination unreachable, from a router, about a segment of the client's."""
    flow = Flow(CLIENT, client_port, PEER, PORT)
    return IcmpError(1, at(1), bytes([192, 0, 2, 254]), CLIENT, 64, 3, code, flow, ISN[">"])


def packets(*texts: str, client_port: int = CLIENT_PORT) -> list[Packet]:
    """The packets of one connection."""
    reader = Packets(PORT)
    return [reader.feed(segment(text, client_port=client_port)) for text in texts]


def operation(op: str, begun_ms: float, ended_ms: float, **reply: object) -> Operation:
    """An operation of the client; without a reply where ``hang`` is given."""
    said = None if "hang" in reply else Reply.model_validate({"type": "reply", "id": 1, "result": "observed", **reply})
    return Operation(op, said, at(begun_ms), at(ended_ms))
