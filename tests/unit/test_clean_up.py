"""What a client does when all is over: each rule takes its own packets out, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import scenario
from wire_packets import HANDSHAKE, V4, segments

from hangup.evidence import Asked, SeenConnection, seen_connections, without_clean_up
from hangup.evidence.trial import client_ends
from hangup.wire import Flow, IcmpError, Segment

PORT = 9000
FIRST, SECOND = 40_000, 40_001
"""The client's ports of the two connections."""
TLS = b"\x16\x03\x01"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ASK = ("> PA 1 1 40", "< A 1 41")
FIN = ("< FA 1 41", "> A 41 2")
"""The peer ends without an answer."""


def talk(*steps: str, tls: bool = False) -> list[Segment]:
    """The packets; a step whose first word is ``2`` is of a second connection. Their order is the order of the steps.

    Where something has a length there are bytes: those of a TLS handshake first if ``tls``, else of nothing in
    particular.
    """
    both = [step.partition(" ")[2] if step.startswith("2 ") else step for step in steps]
    made = []
    first = True
    for at, (step, plain) in enumerate(zip(steps, both, strict=True), 1):
        client = SECOND if step.startswith("2 ") else FIRST
        (segment,) = segments(plain, client=client, server=PORT)
        payload = b""
        if segment.length:
            payload = (TLS if tls and first and segment.dport == PORT else b"").ljust(segment.length, b"x")
            first &= segment.dport != PORT
        made.append(segment._replace(number=at, time_ns=at, payload=payload))
    return made


def left(
    *steps: str, tls: bool = False, ends: bool = False, answered: int | None = None, sending: tuple[int, ...] = ()
) -> list[str]:
    """The steps that stay; one of which a part stays is told with what is left of its flags."""
    packets = talk(*steps, tls=tls)
    sockets = {(V4[0], port) for port in sending}
    kept = without_clean_up(packets, PORT, client_ends=ends, answered_ns=answered, sending=sockets)
    told = []
    for packet in kept:
        assert isinstance(packet, Segment)
        before = packets[packet.number - 1]
        changed = "" if packet == before else f", now {packet.flags.name}"
        assert packet == before._replace(flags=packet.flags)
        told.append(steps[packet.number - 1] + changed)
    return told


OPEN = (*HANDSHAKE, *ASK)
OPEN_2 = tuple(f"2 {step}" for step in OPEN)
ENDED = (*OPEN, *FIN)
RULES: dict[str, tuple[tuple[str, ...], dict[str, Any], tuple[str, ...]]] = {
    # the packets that stay, what is known of the trial, and the packets behind those that are taken out
    # --- rule 1: the client's own FIN and RST, and the RST that answers them
    "its FIN": (OPEN, {}, ("> FA 41 1",)),
    "its RST": (OPEN, {}, ("> RA 41 1",)),
    "its RST without ACK": (OPEN, {}, ("> R 41",)),
    "its FIN and the RST that answers it": (OPEN, {}, ("> FA 41 1", "< R 1")),
    "its RST, and one that answers it": (OPEN, {}, ("> RA 41 1", "< R 1")),
    "its FIN behind the peer's": (ENDED, {}, ("> FA 41 2",)),
    "its FIN behind the peer's, and the RST that answers it": (ENDED, {}, ("> FA 41 2", "< R 2")),
    "its FIN, sent again and again": (ENDED, {}, ("> FA 41 2", "> FA 41 2", "< R 2", "< R 2")),
    # --- rule 2: a close_notify behind the peer's FIN, and the RST that answers it
    "its close_notify": (ENDED, {"tls": True}, ("> PA 41 2 24",)),
    "one of TLS 1.2": (ENDED, {"tls": True}, ("> PA 41 2 31",)),
    "its close_notify and the RST that answers it": (ENDED, {"tls": True}, ("> PA 41 2 24", "< R 2")),
    "its close_notify, its FIN, and the RSTs": (ENDED, {"tls": True}, ("> PA 41 2 24", "> FA 65 2", "< R 2", "< R 2")),
    # --- rule 3: a RST behind the peer's FIN and the client's last answer, or for what was sent again
    "a RST behind the answer": (ENDED, {"answered": 7}, ("< R 2",)),
}  # fmt: skip


@pytest.mark.parametrize(("kept", "known", "gone"), RULES.values(), ids=RULES)
def test_what_is_taken_out(kept: tuple[str, ...], known: dict[str, Any], gone: tuple[str, ...]) -> None:
    assert left(*kept, *gone, **known) == list(kept)


LIMITS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    # packets that all stay, and what is known of the trial
    "an exchange": ((*OPEN, "< PA 1 41 100", "> A 41 101", "< FA 101 41"), {}),
    "the peer's RST": ((*OPEN, "< RA 1 41"), {}),
    "its RST without ACK": ((*OPEN, "< R 1"), {}),
    "its RST behind its FIN": ((*ENDED, "< R 2"), {}),
    "a RST with ACK behind its FIN and the answer": ((*ENDED, "< RA 2 41"), {"answered": 7}),
    "a RST with ACK that comes after the client's FIN, which is taken out": ((*OPEN, "< RA 1 41"), {"answered": 1}),
    "a RST behind the answer without a FIN": ((*OPEN, "< R 1"), {"answered": 5}),
    "a RST behind the FIN and before the answer": ((*ENDED, "< R 2"), {"answered": 9}),
    "a RST behind the FIN where no answer was given": ((*ENDED, "< R 2"), {"answered": None}),
    "a RST for what the client wrote behind the FIN": ((*ENDED, "> PA 41 2 40", "< R 2"), {}),
    "the FIN that the script asks for": ((*OPEN, "> FA 41 1", "< A 1 42"), {"ends": True}),
    "the RST that the script asks for": ((*OPEN, "> RA 41 1"), {"ends": True}),
    "the RST that answers the FIN that the script asks for": ((*OPEN, "> FA 41 1", "< R 1"), {"ends": True}),
    "a short message that is no TLS": ((*ENDED, "> PA 41 2 24"), {}),
    "a short message before the peer's FIN": ((*OPEN, "> PA 41 1 24"), {"tls": True}),
    "a request under TLS behind the FIN": ((*ENDED, "> PA 41 2 41", "< R 2"), {"tls": True}),
    "a refusal": (("> S 0", "< RA 0 1"), {"answered": 1}),
    "data that is sent again": ((*ENDED, "> PA 1 2 40"), {}),
}  # fmt: skip


@pytest.mark.parametrize(("steps", "known"), LIMITS.values(), ids=LIMITS)
def test_what_stays(steps: tuple[str, ...], known: dict[str, Any]) -> None:
    assert left(*steps, **known) == list(steps)


def test_a_rst_that_answers_what_was_sent_again_behind_the_fin() -> None:
    assert left(*ENDED, "> PA 1 2 40", "< R 2") == [*ENDED, "> PA 1 2 40"]
    assert left(*ENDED, "> PA 1 2 20", "< R 2") == [*ENDED, "> PA 1 2 20"], "or of a part of it"


def test_one_that_answers_something_new_counts_though_something_was_sent_again() -> None:
    both = (*ENDED, "> PA 1 2 40", "> PA 41 2 40", "< R 2")
    assert left(*both) == list(both)
    longer = (*ENDED, "> PA 1 2 41", "< R 2")
    assert left(*longer) == list(longer), "what is sent again brings a byte more"


def test_one_that_answers_something_new_counts_though_the_client_has_ended_too() -> None:
    assert left(*ENDED, "> PA 41 2 40", "> FA 81 2", "< R 2") == [*ENDED, "> PA 41 2 40", "< R 2"]


def test_what_was_sent_again_before_the_fin_draws_no_rst() -> None:
    steps = (*OPEN, "> PA 1 1 40", *FIN, "< R 2")
    assert left(*steps) == list(steps)


def test_payload_stays_where_a_fin_goes() -> None:
    assert left(*OPEN, "> FPA 41 1 9") == [*OPEN, "> FPA 41 1 9, now PSH|ACK"]
    assert left(*OPEN, "> FPA 41 1 9", ends=True) == [*OPEN, "> FPA 41 1 9"]
    assert left(*OPEN, "> RA 41 1 9") == list(OPEN), "what stands in a RST is no payload"


def test_a_client_that_was_blocked_in_a_send_is_told_of_the_rst() -> None:
    assert left(*ENDED, "> PA 1 2 40", "< R 2", sending=(FIRST,)) == [*ENDED, "> PA 1 2 40", "< R 2"]
    assert left(*ENDED, "> FA 41 2", "< R 2", sending=(FIRST,)) == [*ENDED, "< R 2"]
    assert left(*ENDED, "> FA 41 2", "< R 2", sending=(SECOND,)) == list(ENDED)
    assert left(*ENDED, "< R 2", answered=7, sending=(FIRST,)) == list(ENDED), "after its answer it sends no more"


def test_the_script_ends_the_first_connection_only() -> None:
    second = ("2 > S 0", "2 < SA 0 1", "2 > A 1 1")
    first = (*HANDSHAKE, "> FA 1 1")
    assert left(*first, *second, "2 > FA 1 1", "2 < R 1", ends=True) == [*first, *second]
    assert left(*second, *first, ends=True) == [*second, *HANDSHAKE], "the first is the one that was seen first"


def test_connections_are_told_apart_by_the_clients_port() -> None:
    """The first one is cleaned up and has the peer's FIN; that is no reason for anything on the second."""
    assert left(*ENDED, "> FA 41 2", *OPEN_2, "2 < R 1", answered=8) == [*ENDED, *OPEN_2, "2 < R 1"]


ENDED_2 = (*OPEN_2, "2 < FA 1 41", "2 > A 41 2")


@pytest.mark.parametrize("reset", ["2 < R 2", "2 < RA 2 41"])
def test_behind_the_fin_of_a_connection_of_its_own_accord_no_rst_counts(reset: str) -> None:
    """Rule 4. The first connection's counts, and so does one without a FIN before it, and one met in a send."""
    assert left(*OPEN, *ENDED_2, reset) == [*OPEN, *ENDED_2]
    assert left(*OPEN, *OPEN_2, reset.replace(" 2 ", " 1 ").replace("RA 2", "RA 1")) == [
        *OPEN, *OPEN_2, reset.replace(" 2 ", " 1 ").replace("RA 2", "RA 1"),
    ]  # fmt: skip
    assert left(*OPEN, *ENDED_2, reset, sending=(SECOND,)) == [*OPEN, *ENDED_2, reset]
    first = reset.removeprefix("2 ")
    assert left(*ENDED, first) == [*ENDED, first]


def test_errors_of_icmp_stay() -> None:
    error = IcmpError(9, 9, V4[1], V4[0], 63, 3, 1, Flow(V4[0], FIRST, V4[1], PORT), 0)
    packets = [*talk(*ENDED, "> FA 41 2"), error]
    kept = without_clean_up(packets, PORT, client_ends=False, answered_ns=None, sending=())
    assert kept == [*talk(*ENDED), error]


def published(
    packets: list[Segment], *, name: str = "fin-before-response", answered: int | None = None
) -> tuple[SeenConnection, ...]:
    return seen_connections(packets, PORT, scenario(name), [Asked("GET", 0)], answered)


HISTORIES: dict[str, tuple[tuple[str, ...], str]] = {
    "an exchange": ((*OPEN, "< PA 1 41 100", "> A 41 101", "< FA 101 41", "> A 41 102"), "ShDdf"),
    "an answer that acknowledges": ((*HANDSHAKE, "> PA 1 1 40", "< PA 1 41 100", "> A 41 101"), "ShDd"),
    "sent again": ((*OPEN, "> PA 1 1 40", "< A 1 41"), "ShD"),
    "a SYN again": (("> S 0", "> S 0", "< SA 0 1"), "Sh"),
    "a window of nothing": ((*OPEN, "< A 1 41 win=0"), "ShD"),
    "a wrong checksum": ((*OPEN, "< PA 1 41 100 bad"), "ShD"),
    "a gap": ((*HANDSHAKE, "> PA 1 1 40", "< A 1 141", "< FA 1 141"), "ShDf"),
    "a RST": ((*OPEN, "< RA 1 41"), "ShDr"),
}  # fmt: skip


@pytest.mark.parametrize(("steps", "history"), HISTORIES.values(), ids=HISTORIES)
def test_a_history_has_no_letter_that_depends_on_when(steps: tuple[str, ...], history: str) -> None:
    (seen,) = published(talk(*steps))
    assert seen.evidence.history == history


def test_every_connection_is_published_in_its_order_with_its_own_requests() -> None:
    packets = []
    for segment in talk(*OPEN, *OPEN_2):
        payload = GET.ljust(segment.length, b"x") if segment.length else b""
        packets.append(segment._replace(payload=payload[: segment.length]))
    seen = published(packets)
    assert [connection.port for connection in seen] == [FIRST, SECOND]
    assert [[request.method for request in connection.requests] for connection in seen] == [["GET"], ["GET"]]
    assert [connection.syn_data for connection in seen] == [False, False]


def test_data_in_a_syn_is_told() -> None:
    assert [seen.syn_data for seen in published(talk("> S 0 0 9", "< SA 0 1"))] == [True]
    assert [seen.syn_data for seen in published(talk("> S 0", "< SA 0 1 9"))] == [False]


def test_whoever_never_came_to_the_end_of_a_request_was_sending() -> None:
    """Of a request that is cut the RST may have been told of; of a whole one it answers the client's FIN."""
    upload = b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n"
    for request, resets in ((upload, ("peer",)), (GET.ljust(40, b"x"), ())):
        packets = [
            segment._replace(payload=request[: segment.length]) if segment.length else segment
            for segment in talk(*HANDSHAKE, f"> PA 1 1 {len(request)}", f"< FA 1 {len(request) + 1}",
                                f"> FA {len(request) + 1} 2", "< R 2")
        ]  # fmt: skip
        (seen,) = published(packets)
        assert seen.evidence.rst == resets


@pytest.mark.parametrize(
    ("name", "ends"),
    [("fin-before-response", False), ("rst-mid-body", False), ("half-close-by-client", True),
     ("client-closes-after-messages", True), ("local-abort", True), ("normal", False)],
)  # fmt: skip
def test_who_ends_a_connection_is_read_off_the_scenario(name: str, ends: bool) -> None:
    assert client_ends(scenario(name)) is ends


STEP = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from("<>"), st.sampled_from(("A", "PA", "FA", "R", "RA")),
    st.integers(0, 45), st.integers(0, 45), st.sampled_from((0, 0, 10)),
)  # fmt: skip


def told(steps: list[str], answered: int | None) -> Iterator[tuple[object, ...]]:
    for seen in published(talk(*HANDSHAKE, *steps), answered=answered):
        e = seen.evidence
        yield (
            e.state, e.history, e.first_fin, e.peer_fin, e.rst, e.rst_after_fin, e.peer_bytes, e.client_bytes,
            e.icmp, seen.requests,
        )  # fmt: skip


def writes_behind_the_fin(steps: list[str]) -> bool:
    """Whether the client writes behind the peer's FIN, so that a RST may answer that."""
    fin = next((at for at, step in enumerate(steps) if step[0] == "<" and "F" in step), len(steps))
    return any(step[0] == ">" and step.endswith(" 10") for step in steps[fin:])


@given(
    st.lists(STEP, max_size=8).filter(lambda steps: not writes_behind_the_fin(steps)),
    st.sampled_from((["> FA 41 2"], ["> RA 41 2"], ["> R 41"], ["> FA 41 2", "< R 2"], ["> RA 41 2", "< R 2"],
                     ["> FA 41 2", "< R 2", "< R 2"], ["> FA 41 2", "> R 42", "< R 2"])),
    st.none() | st.integers(1, 12),
)  # fmt: skip
def test_how_a_client_closes_changes_nothing_that_is_published(
    steps: list[str], closing: list[str], answered: int | None
) -> None:
    """At the end of any packets: its FIN or its RST, and the bare RST that answers it."""
    assert list(told([*steps, *closing], answered)) == list(told(steps, answered))
