"""The keys of connections that blocks have had: none is forgotten as long as there is room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hangup.diagnose.arrays import np
from hangup.diagnose.cases import SETTLED_NS
from hangup.diagnose.known import Known, Lately

KEYS = st.lists(st.integers(0, 60), max_size=12)


def keys(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


@given(st.lists(KEYS, max_size=30), KEYS)
def test_all_are_known_that_there_is_room_for(blocks: list[list[int]], asked: list[int]) -> None:
    known = Known()
    for block in blocks:
        known.add(keys(block))
    assert known.has(keys(asked)).tolist() == [any(key in block for block in blocks) for key in asked]


@given(st.lists(st.integers(0, 200), max_size=60))
def test_the_latest_are_known_and_few_arrays_hold_them(sizes: list[int]) -> None:
    known, most, next_key = Known(1_000), 1_000, 0
    for size in sizes:
        known.add(np.arange(next_key, next_key + size, dtype=np.uint64))
        next_key += size
    held = sum(map(len, known._parts))
    assert held <= most
    assert held >= min(next_key, most // 2)
    assert known.has(np.arange(next_key - held, next_key, dtype=np.uint64)).all()
    assert len(known._parts) <= 20


def test_what_is_over_is_known_for_as_long_as_a_connection_is_kept() -> None:
    lately = Lately()
    lately.add(1_000, keys([1]))
    lately.add(2_000, keys([2]))
    asked = keys([1, 2, 3, 1])
    times = np.array([SETTLED_NS, 2_000 + SETTLED_NS, 0, 1_001 + SETTLED_NS])
    assert lately.has(asked, times).tolist() == [True, True, False, False]
    lately.forget(2_000)
    assert lately.has(asked, times).tolist() == [False, True, False, False]
