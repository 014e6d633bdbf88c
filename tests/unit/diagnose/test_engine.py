"""What is kept of connections while they go on: in bounded memory, and nothing is lost without being said."""

from __future__ import annotations

import tracemalloc

from conversations import MEMORY, START_NS, conversation
from hypothesis import given
from hypothesis import strategies as st
from wire_packets import BITS, HANDSHAKE, segments

from hangup.diagnose import Engine, conclude
from hangup.diagnose.cases import BYTES_A_CASE, SETTLED_NS
from hangup.diagnose.summary import Timeline
from hangup.diagnose.trail import Trail, pack

CLOSED = (*HANDSHAKE, "> FA 1 1", "< FA 1 2", "> A 2 2")


def fed(*conversations: tuple[list[object]], memory: int = MEMORY) -> Engine:
    engine = Engine(memory)
    for part in conversations:
        for segment in part:
            engine.segment(segment)  # type: ignore[arg-type]
    return engine


def test_a_connection_that_is_over_is_let_go_after_a_minute() -> None:
    engine = fed(conversation(*CLOSED))  # type: ignore[arg-type]
    assert not list(engine.cases.settled())
    for segment in conversation("> S 0", client=40001, start=SETTLED_NS / 1e9 + 1):
        engine.segment(segment)
    assert [case.number for case in engine.cases.settled()] == [0]
    assert engine.cases.evicted == 0


def test_a_connection_that_is_open_is_kept_however_long_it_is_idle() -> None:
    engine = fed(conversation(*HANDSHAKE))  # type: ignore[arg-type]
    for segment in conversation("> S 0", client=40001, start=86_400.0):
        engine.segment(segment)
    assert not list(engine.cases.settled())


def test_where_there_is_no_room_the_idlest_goes_and_is_counted() -> None:
    engine = Engine(20 * BYTES_A_CASE)
    for client in range(40000, 40025):
        for segment in conversation(*HANDSHAKE, client=client, start=client - 40000.0):
            engine.segment(segment)
    gone = list(engine.cases.settled())
    assert [case.number for case in gone] == [0, 1, 2, 3, 4]
    assert engine.cases.evicted == 5
    assert all(conclude(case, engine.around, START_NS).evicted for case in gone)


def test_those_that_are_over_go_before_those_that_are_open() -> None:
    engine = Engine(20 * BYTES_A_CASE)
    for number in range(25):
        steps = CLOSED if 10 <= number < 20 else HANDSHAKE
        for segment in conversation(*steps, client=40000 + number, start=number * 0.1):
            engine.segment(segment)
    assert {case.number for case in engine.cases.settled()} == {10, 11, 12, 13, 14}
    assert engine.cases.evicted == 0


def test_a_case_costs_what_the_bound_on_memory_counts_it_for() -> None:
    """And a long connection no more than that."""
    steps = [*HANDSHAKE]
    for number in range(300):
        steps += [f"> PA {1 + 10 * number} 1 10", f"< A 1 {11 + 10 * number}"]
    talks = [segments(*steps, client=30_000 + n) for n in range(50)]
    tracemalloc.start()
    engine = Engine(MEMORY)
    for talk in talks:
        for segment in talk:
            engine.segment(segment)
    cost = tracemalloc.get_traced_memory()[0] / len(talks)
    tracemalloc.stop()
    assert cost < 1.5 * BYTES_A_CASE


def test_streams_are_numbered_in_the_order_of_their_first_segments() -> None:
    engine = fed(conversation(*CLOSED), conversation("> S 0", client_isn=5, start=1.0))  # type: ignore[arg-type]
    assert [case.number for case in engine.cases.rest()] == [0, 1]


def test_a_trail_holds_the_first_and_the_last_segments() -> None:
    trail = Trail()
    for segment in segments(*["> A 1 1"] * 500):
        trail.add(pack(segment, forward=True))
    numbers = [seen.number for seen in trail.segments()]
    assert numbers[:6] == [1, 2, 3, 4, 5, 6]
    assert numbers[6:] == list(range(501 - len(numbers[6:]), 501))
    assert len(numbers) >= 46
    assert not trail.whole


STEP = st.builds(
    lambda way, flags, seq, ack, length, ttl: f"{way} {''.join(sorted(flags))} {seq} {ack} {length} ttl={ttl}",
    st.sampled_from("><"), st.sets(st.sampled_from(list(BITS)), min_size=1, max_size=3),
    st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 1500), st.sampled_from((64, 64, 64, 63, 255)),
)  # fmt: skip


@given(st.lists(STEP, min_size=1, max_size=60), st.booleans())
def test_any_connection_comes_to_a_finding(steps: list[str], shaken: bool) -> None:
    engine = fed(segments(*(HANDSHAKE if shaken else ()), *steps))  # type: ignore[arg-type]
    for case in engine.cases.rest():
        finding = conclude(case, engine.around, case.last_ns)
        assert finding.causes
        assert [h.confidence for h in finding.causes[1:]] == sorted(
            (h.confidence for h in finding.causes[1:]), reverse=True
        )
        assert finding.history == case.connection.history


@given(st.lists(st.integers(0, 10**16), min_size=1, max_size=50))
def test_a_timeline_forgets_nothing_and_stays_short(times: list[int]) -> None:
    timeline = Timeline()
    for time in times:
        timeline.add(time)
    assert sum(timeline.counts) == len(times)
    assert len(timeline.sparkline()) == len(timeline.counts) <= 120


def test_a_flood_of_resets_costs_no_memory() -> None:
    engine = fed(segments(*HANDSHAKE, *[f"< R {number * 7}" for number in range(20_000)]))  # type: ignore[arg-type]
    (case,) = engine.cases.rest()
    assert len(case.connection.resets) <= 64
    assert len(case.connection.history) <= 4096
    assert case.connection.resp_packets == 20_001
