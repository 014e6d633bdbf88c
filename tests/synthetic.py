"""Captures made by code, of any size and always the same: for the benchmark, and to compare two ways of reading.

Many connections go on at a time. Most end in order; some are reset, refused, unanswered, cut or retransmitted, about as
often as in captures of the net at large (Arlitt and Williamson 2005: 15 to 25 % of connections carry a RST).
"""

from __future__ import annotations

import random
import struct
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_NS = 1_700_000_000_000_000_000
_MSS = 1448
_SERVERS = 40
_TIMESTAMPED = 12
_FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}
_ORDER = "<"


class Step(NamedTuple):
    """One segment: who, flags, payload, and how many round trips after the one before. `again`: once more."""

    client: bool
    flags: str
    size: int = 0
    pause: float = 0.5
    again: bool = False
    head: bool = False
    """Its payload begins with the head of a message."""


_SHAKE = [Step(True, "S"), Step(False, "SA"), Step(True, "A")]
_ASK = [Step(True, "PA", 220, head=True), Step(False, "A")]
_ANSWER = [
    Step(False, "A", _MSS, head=True), Step(False, "A", _MSS, 0.01), Step(True, "A"),
    Step(False, "PA", 604), Step(True, "A"),
]  # fmt: skip
_AGAIN = _ANSWER[1]._replace(again=True, pause=4)
_CLIENT_CLOSES = [Step(True, "FA"), Step(False, "FA"), Step(True, "A")]
_SERVER_CLOSES = [Step(False, "FA"), Step(True, "FA"), Step(False, "A")]

KINDS: list[tuple[str, int, list[Step]]] = [
    ("the client closes", 40, [*_SHAKE, *_ASK, *_ANSWER, *_CLIENT_CLOSES]),
    ("the server closes", 34, [*_SHAKE, *_ASK, *_ANSWER, *_SERVER_CLOSES]),
    ("two exchanges", 8, [*_SHAKE, *_ASK, *_ANSWER, *_ASK, *_ANSWER, *_CLIENT_CLOSES]),
    ("the client resets", 7, [*_SHAKE, *_ASK, *_ANSWER, Step(True, "RA")]),
    ("a retransmission", 4, [*_SHAKE, *_ASK, *_ANSWER[:2], _AGAIN, *_ANSWER[2:], *_CLIENT_CLOSES]),
    ("refused", 2, [Step(True, "S"), Step(False, "RA")]),
    ("unanswered", 1, [Step(True, "S"), Step(True, "S", pause=40, again=True), Step(True, "S", pause=80, again=True)]),
    ("reset instead of an answer", 2, [*_SHAKE, *_ASK, Step(False, "RA")]),
    ("closed instead of an answer", 1, [*_SHAKE, *_ASK, *_SERVER_CLOSES]),
    ("cut in the middle", 1, [*_SHAKE, *_ASK, *_ANSWER[:2], *_SERVER_CLOSES]),
]  # fmt: skip
"""Name, how many of a hundred, and what is sent."""


class _Talk:
    """One connection: its packets one after the other."""

    def __init__(self, number: int, chance: random.Random, steps: list[Step]) -> None:
        self._steps = iter(steps)
        client, server = 0x0A000000 + number % 60_000, 0xC6336400 + number % _SERVERS
        ports = struct.pack("!HH", 1024 + number // 60_000 * 7 + number % 7919 % 60_000, 80)
        self._way = {
            True: (struct.pack("!II", client, server), ports),
            False: (struct.pack("!II", server, client), ports[2:] + ports[:2]),
        }
        self._next = {True: chance.getrandbits(32), False: chance.getrandbits(32)}
        self._acked = {True: 0, False: 0}
        self._before: dict[bool, int] = dict(self._next)
        self._ident = {True: chance.getrandbits(16), False: chance.getrandbits(16)}
        self.trip_ns = chance.randrange(5_000_000, 60_000_000)

    def step(self) -> Step | None:
        return next(self._steps, None)

    def packet(self, step: Step) -> bytes:
        """An Ethernet frame."""
        who = step.client
        seq = self._before[who] if step.again else self._next[who]
        flags = sum(_FLAGS[letter] for letter in step.flags)
        refusing = step.flags == "RA" and not who and self._next[False] == self._before[False]
        ack = self._next[not who] if "A" in step.flags else 0
        if not step.again:
            self._before[who] = seq
            self._next[who] = (seq + step.size + ("S" in step.flags) + ("F" in step.flags)) & 0xFFFFFFFF
        self._ident[who] = self._ident[who] + 1 & 0xFFFF
        addresses, ports = self._way[who]
        options = b"\x01\x01\x08\x0a" + struct.pack("!II", seq & 0xFFFF, ack & 0xFFFF)
        if "S" in step.flags:
            options = b"\x02\x04\x05\xb4" + options
        header = 20 + len(options)
        ip = struct.pack(
            "!BBHHHBBH", 0x45, 0, 20 + header + step.size, self._ident[who], 0x4000, 64 if who else 55, 6, 0
        )
        window = 0 if refusing else 502
        tcp = ports + struct.pack("!IIHHHH", seq, ack, header << 10 | flags, window, 0, 0)
        return bytes(12) + b"\x08\x00" + ip + addresses + tcp + options + _payload(step)


_REQUEST = (b"GET /a/page HTTP/1.1\r\nHost: example.net\r\n" + b"X-Padding: " + b"x" * 300)[:216] + b"\r\n\r\n"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
_RESPONSE_HEAD = _HEAD % (2 * _MSS + 604 - len(_HEAD % 3434))
_BODY = bytes(range(32, 127)) * 32


def _payload(step: Step) -> bytes:
    if not step.size:
        return b""
    head = (_REQUEST if step.client else _RESPONSE_HEAD) if step.head else b""
    return (head + _BODY)[: step.size]


def frames(connections: int, *, seed: int = 1, at_a_time: int = 300) -> Iterator[tuple[int, bytes]]:
    """Times and frames of so many connections, `at_a_time` of which go on together."""
    chance = random.Random(seed)
    kinds, shares = [steps for _, _, steps in KINDS], [share for _, share, _ in KINDS]
    going: list[tuple[int, int, _Talk, Step]] = []
    opened, clock = 0, START_NS
    while going or opened < connections:
        while len(going) < at_a_time and opened < connections:
            talk = _Talk(opened, chance, *chance.choices(kinds, shares))
            step = talk.step()
            assert step is not None
            heappush(going, (clock + chance.randrange(2_000_000), opened, talk, step))
            opened += 1
        clock, number, talk, step = heappop(going)
        yield clock, talk.packet(step)
        following = talk.step()
        if following is not None:
            heappush(going, (clock + int(following.pause * talk.trip_ns), number, talk, following))


def write(path: Path, size: int, *, snaplen: int = 262_144, **how: int) -> int:
    """A pcap file of at least so many bytes; how many packets it has."""
    count = written = 0
    with path.open("wb", 1 << 20) as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snaplen, 1))
        for time_ns, data in frames(10_000_000, **how):
            seconds, fraction = divmod(time_ns, 1_000_000_000)
            kept = data[:snaplen]
            file.write(struct.pack("<IIII", seconds, fraction, len(kept), len(data)) + kept)
            count, written = count + 1, written + 16 + len(kept)
            if written >= size:
                break
    return count
