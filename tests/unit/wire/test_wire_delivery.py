"""Gaps, against a model that simply remembers each octet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hangup.wire.delivery import Delivery


class Model:
    """Octets from 1 on; those below `edge` are done with."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.edge = 1

    def sent(self, start: int, end: int) -> None:
        self.seen.update(range(start, end))
        while self.edge in self.seen:
            self.edge += 1

    def acknowledged(self, upto: int) -> int:
        missing = [octet for octet in range(self.edge, upto) if octet not in self.seen]
        self.edge = max(self.edge, upto)
        self.sent(0, 0)
        return sum(1 for octet in missing if octet - 1 not in missing)


events = st.one_of(
    st.tuples(st.integers(1, 60), st.integers(1, 12)),
    st.tuples(st.just(0), st.integers(1, 70)),
)


@given(st.lists(events, max_size=40))
def test_gaps(script: list[tuple[int, int]]) -> None:
    delivery, model = Delivery(), Model()
    acked = 0
    for start, size in script:
        if start:
            delivery.sent(start, start + size, acked=acked, size=0)
            model.sent(start, start + size)
        else:
            acked = max(acked, size)
            assert delivery.acknowledged(size, partial=False) == model.acknowledged(size)


def test_of_many_holes_each_counts_once() -> None:
    delivery = Delivery()
    for start in (41, 11, 31, 21, 36, 15):
        delivery.sent(start, start + 5, acked=1, size=0)
    # Missing: 1 to 10, 20, 26 to 30.
    assert delivery.acknowledged(46, partial=False) == 3
    assert delivery.acknowledged(46, partial=False) == 0
