"""Connections made up by hypothesis: moves of two sides that keep count as TCP does, and sometimes do not.

A talk is a list of moves; the same talk is had several times, with other sizes, numbers, hops and times, so that
connections come about that are alike, and some that nearly are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conversations import START_NS
from hypothesis import strategies as st

from hangup.wire import Flags, Segment
from hangup.wire.segments import NO_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIN, _SYN, _RST, _ACK = int(Flags.FIN), int(Flags.SYN), int(Flags.RST), int(Flags.ACK)
_FLAGS = {"syn": _SYN | _ACK, "fin": _FIN | _ACK, "rst": _RST | _ACK, "bare rst": _RST}
_REQUEST = b"GET / HTTP/1.1\r\nHost: example.net\r\n\r\n"
_OTHER = _REQUEST.replace(b"GET", b"PUT")
_TLS = b"\x16\x03\x03\x00\x40"


class Move(NamedTuple):
    """What a side does."""

    client: bool
    what: str
    size: int = 0
    pause: float = 0.01
    ttl: int = 0
    """Hops more than the side's others took."""
    window: int = 500
    ip_id: int = 7


class Having(NamedTuple):
    """How a talk is had once."""

    client: int
    server: int
    factor: int
    """By which its sizes are larger."""
    numbers: tuple[int, int]
    start: float
    slow: float
    """By which its pauses are longer."""
    twist: tuple[int, dict[str, int | float | str]]
    """Which of its moves is made otherwise than in the others, and how."""
    speaks: bytes | None
    """With which its first payload of each side begins: HTTP, TLS, or nothing that is known."""


WHATS = ("data", "data", "ack", "fin", "rst", "bare rst", "again", "probe", "shut", "ahead", "stale ack", "early ack")
MOVES = st.builds(
    Move, st.booleans(), st.sampled_from(WHATS), st.sampled_from((1, 24, 300)),
    st.sampled_from((0.0, 0.01, 0.01, 0.3, 0.7, 1.5)), st.sampled_from((0, 0, 0, 0, 3)), st.just(500),
    st.sampled_from((7, 7, 0)),
)  # fmt: skip
SHAKE = [Move(True, "syn"), Move(False, "syn"), Move(True, "ack")]
_EARLY = Move(True, "data", 60)
OPENINGS = (
    SHAKE, SHAKE, SHAKE, SHAKE[:1], SHAKE[:1] * 2, SHAKE[:2], SHAKE[1:], [*SHAKE, _EARLY],
    [SHAKE[0], _EARLY, *SHAKE[1:]], [SHAKE[0], Move(False, "data", 60), *SHAKE[1:]],
    [Move(True, "syn", 60), *SHAKE[1:]], [SHAKE[0], Move(False, "syn", 60), SHAKE[2]],
)  # fmt: skip
"""Some with payload before the SYN+ACK, or in a SYN."""
ENDINGS: tuple[list[Move], ...] = (
    [], [], [Move(True, "fin"), Move(False, "fin"), Move(True, "ack")],
    [Move(False, "fin"), Move(True, "fin"), Move(False, "ack")], [Move(False, "rst")], [Move(True, "rst")],
    [Move(False, "data", 300), Move(True, "ack"), Move(True, "rst")],
    [Move(False, "data", 300), Move(True, "ack"), Move(True, "rst", ttl=3)], [Move(False, "rst", ttl=3)],
    [Move(True, "rst"), Move(True, "fin")], [Move(False, "rst"), Move(True, "fin"), Move(False, "bare rst")],
    [Move(True, "rst"), Move(False, "fin"), Move(True, "bare rst")],
)  # fmt: skip
"""Some with a forged RST, or a FIN after a RST."""
TALKS = st.builds(
    lambda opening, moves, ending: [*opening, *moves, *ending],
    st.sampled_from(OPENINGS), st.lists(MOVES, max_size=6), st.sampled_from(ENDINGS),
)  # fmt: skip
TWISTS: tuple[dict[str, int | float | str], ...] = (
    {}, {}, {}, {"window": 0}, {"window": 600}, {"ttl": 3}, {"ip_id": 0}, {"pause": 1.5}, {"size": 1},
    {"what": "probe"}, {"what": "again"}, {"what": "early ack"}, {"what": "bare rst"}, {"what": "rst"},
    {"what": "ack"}, {"client": True}, {"client": False},
)  # fmt: skip
LATE: dict[str, int | float | str] = {"pause": 70.0}
"""What follows belongs to a connection that is no longer known."""
HAVINGS = st.builds(
    Having, st.integers(40_000, 40_009), st.integers(0, 1), st.sampled_from((1, 2, 3)),
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    st.sampled_from((0.0, 0.0, 0.1, 0.5, 3.0, 70.0, 200.0)), st.sampled_from((1.0, 1.0, 1.7)),
    st.tuples(st.integers(0, 11), st.sampled_from(TWISTS)), st.sampled_from((None, _REQUEST, _OTHER, _TLS)),
)  # fmt: skip


class _Numbers:
    """What a side has sent."""

    def __init__(self, first: int) -> None:
        self.first = self.next = self.before = first
        self.spoken = False

    def take(self, what: str, size: int) -> tuple[int, int]:
        """The sequence number of what is sent now, and the size of its payload."""
        seq = self.next
        if what == "again":
            return self.before, (self.next - self.before) & 0xFFFF
        if what in ("data", "fin", "syn"):
            self.before, self.next = seq, (seq + size + (what != "data")) & 0xFFFFFFFF
        return seq + {"probe": -1, "ahead": 5}.get(what, 0), size


def _answer(request: bytes, size: int) -> bytes:
    """The head of an answer that is whole in so many bytes; to `_OTHER` one of another length."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %03d\r\n\r\n"
    return head % (40 if request == _OTHER else max(0, size - len(head % 0)))


def having(talk: Sequence[Move], how: Having) -> list[Segment]:
    """The segments of a talk that is had once."""
    ends = {True: (bytes((192, 0, 2, how.client & 3)), how.client), False: (bytes((198, 51, 100, how.server)), 80)}
    sides = {True: _Numbers(how.numbers[0]), False: _Numbers(how.numbers[1])}
    clock = START_NS + round(how.start * 1e9)
    segments = []
    twisted, changes = how.twist[0] % len(talk), how.twist[1]
    for place, planned in enumerate(talk):
        move = planned._replace(**changes) if place == twisted else planned  # type: ignore[arg-type]
        own, other = sides[move.client], sides[not move.client]
        clock += round(move.pause * how.slow * 1e9)
        flags = _FLAGS.get(move.what, _ACK)
        if move.what == "syn" and move.client and other.next == other.first:
            flags = _SYN
        ack = other.next + {"stale ack": -3, "early ack": 3}.get(move.what, 0) if flags & _ACK else 0
        seq, size = own.take(move.what, move.size * how.factor if move.what in ("data", "ahead", "syn") else 0)
        payload = bytes(size)
        if size and not own.spoken and how.speaks is not None:
            http = how.speaks in (_REQUEST, _OTHER)
            payload = ((_answer(how.speaks, size) if http and not move.client else how.speaks) + payload)[:size]
            own.spoken = True
        window, ttl = 0 if move.what == "shut" else move.window, (64 if move.client else 55) - move.ttl
        numbers = seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, flags, window, size, ttl
        segments.append(
            Segment(
                0, clock, *ends[move.client], *ends[not move.client], *numbers, move.ip_id, NO_OPTIONS, payload, None
            )
        )
    return segments


CAPTURES = st.lists(st.tuples(TALKS, st.lists(HAVINGS, min_size=1, max_size=4)), min_size=1, max_size=3).map(
    lambda talks: sorted(
        (segment for talk, havings in talks for how in havings for segment in having(talk, how)),
        key=lambda segment: segment.time_ns,
    )
)
"""The segments of a few talks, each had a few times."""

_ASK, _SAY = Move(True, "data", 24), Move(False, "data", 300)
ALIKE: dict[str, list[Move]] = {
    "an orderly exchange": [*SHAKE, _ASK, _SAY, *ENDINGS[2]],
    "closed, and an ACK again": [*SHAKE, _ASK, _SAY, *ENDINGS[2], Move(True, "ack")],
    "reset by one, closed by the other": [*SHAKE, _ASK, _SAY, Move(True, "ack"), *ENDINGS[9]],
    "a request in the SYN": [Move(True, "syn", 60), *SHAKE[1:], _SAY, *ENDINGS[3]],
    "closed instead of an answer": [*SHAKE, _ASK, Move(False, "ack"), *ENDINGS[3]],
    "reset instead of an answer": [*SHAKE, _ASK, Move(False, "ack"), Move(False, "rst", ip_id=0)],
    "aborted": [*SHAKE, _ASK, _SAY, Move(True, "ack"), Move(True, "rst")],
    "aborted before it came about": [*SHAKE[:2], _SAY, Move(True, "rst")],
    "forgotten without a word": [*SHAKE, Move(True, "ack"), Move(False, "bare rst", ip_id=0)],
    "reset from elsewhere": [*SHAKE, _ASK, Move(False, "bare rst", ttl=3, window=0)],
    "reset when idle": [*SHAKE, _ASK, _SAY, Move(True, "data", 24, 1.5), Move(False, "rst")],
    "refused": [*SHAKE[:1], Move(False, "rst")],
    "still open": [*SHAKE, _ASK, _SAY],
}
"""Talks, for `but_for_one_move`."""


def but_for_one_move(talk: Sequence[Move], twist: dict[str, int | float | str]) -> list[Segment]:
    """The segments of a talk that is had unchanged, and once more for each of its moves, with this one twisted."""
    had = []
    for place, changes in ((0, {}), *((place, twist) for place in range(len(talk)))):
        client = 40_000 + len(had)
        had.append(having(talk, Having(client, 0, 1, (client, 7 * client), 0.0, 1.0, (place, changes), _REQUEST)))
    return sorted((segment for segments in had for segment in segments), key=lambda segment: segment.time_ns)
