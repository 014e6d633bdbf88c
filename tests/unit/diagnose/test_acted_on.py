"""Whether the request was acted on: `no` only if nothing of it left, `yes` only if it was answered in full."""

from __future__ import annotations

import pytest
from conversations import conversation, diagnose, icmp, one
from wire_packets import HANDSHAKE

from hangup.diagnose import Engine, conclude
from hangup.diagnose.acted_on import RETRY, SAYS
from hangup.diagnose.cases import BYTES_A_CASE

ASK = b"POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n1234"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ASKED, SAID = 1 + len(ASK), 1 + len(OK)
EXCHANGE = (*HANDSHAKE, f"> PA 1 1 {len(ASK)}", f"< A 1 {ASKED}", f"< PA 1 {ASKED} {len(OK)}", f"> A {ASKED} {SAID}")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # the handshake never came about
        (["> S 0", "< RA 0 1"], "no"),
        (["> S 0", "> S 0 at=1", "> S 0 at=3"], "maybe"),  # the kernel sends it again at 7
        (["> S 0", "> RA 1 0 at=0.5"], "no"),
        (["> S 0"], "maybe"),  # it may come about behind the end of the capture
        (["> S 0", "< SA 0 1"], "maybe"),
        (["> S 0", "< SA 0 1", "< SA 0 1 at=5"], "maybe"),
        # TCP Fast Open: the SYN carries the request
        (["> S 0 0 40", "< RA 0 1"], "maybe"),
        (["> S 0 0 40", "< RA 0 41"], "maybe"),
        (["> S 0 0 40", "> S 0 at=1", "> S 0 at=3"], "maybe"),
        # nothing of it left
        ([*HANDSHAKE, "< RA 1 1"], "no"),
        ([*HANDSHAKE, "< R 1"], "no"),
        ([*HANDSHAKE, "> RA 1 1"], "no"),
        ([*HANDSHAKE, "< FA 1 1", "> FA 1 2", "< A 2 2"], "no"),
        ([*HANDSHAKE, "< PA 1 1 20", "> A 1 21", "< RA 21 1"], "no"),
        # it can still leave
        ([*HANDSHAKE], "maybe"),
        ([*HANDSHAKE, "< FA 1 1", "> A 1 2"], "maybe"),
        ([*HANDSHAKE, "> RA 1 1 ttl=9"], "maybe"),
        ([*HANDSHAKE, "< PA 1 1 100", "> A 1 101", "< R 50"], "maybe"),  # its receiver ignores that one
        # some of it left: acknowledged or not, read or not
        ([*HANDSHAKE, "> PA 1 1 40", "< RA 1 1"], "maybe"),
        ([*HANDSHAKE, "> PA 1 1 40", "< R 1"], "maybe"),
        ([*HANDSHAKE, "> PA 1 1 40", "< A 1 41", "< RA 1 41"], "maybe"),
        ([*HANDSHAKE, "> PA 1 1 40", "< A 1 41", "< RA 1 41 win=60000"], "maybe"),
        ([*HANDSHAKE, "> PA 1 1 40", "> PA 1 1 40 at=1", "> PA 1 1 40 at=3", "> PA 1 1 40 at=7"], "maybe"),
        ([*HANDSHAKE, "> PA 1 1 40", "< FA 1 1", "< R 1"], "maybe"),
        ([*HANDSHAKE, "> PA 1 1 40", "< A 1 41", "< PA 1 41 100", "> A 41 101", "< RA 101 41"], "maybe"),
        (["> S 0", "> PA 1 1 40", "< RA 0 1"], "maybe"),
        # packets are missing: their numbers tell
        ([*HANDSHAKE, "< RA 1 41"], "maybe"),
        ([*HANDSHAKE, "< A 1 41", "< RA 1 41"], "maybe"),
        ([*HANDSHAKE, "> RA 41 1"], "maybe"),
        ([*HANDSHAKE, "> FA 41 1", "< FA 1 42", "> A 42 2"], "maybe"),
        ([*HANDSHAKE, "< PA 11 1 10", "> A 1 21", "< RA 21 1"], "maybe"),
        ([*HANDSHAKE, "> A 1 21", "< RA 21 1"], "maybe"),
        ([*HANDSHAKE, *["< A 1 1"] * 4, "> PA 1 1 40", *["< A 1 1"] * 200, "< RA 1 1"], "maybe"),  # forgotten here
        # it began before the capture
        (["> A 1 1", "< RA 1 1"], "maybe"),
        (["< SA 0 1", "> A 1 1", "< RA 1 1"], "maybe"),
        (["> FA 1 1", "< FA 1 2", "> A 2 2"], "maybe"),
    ],
)  # fmt: skip
def test_by_what_left_the_originator(steps: list[str], expected: str) -> None:
    assert one(*steps).acted_on == expected


def exchange(ask: bytes = ASK, answer: bytes = OK, *, rest: tuple[str, ...] = ()) -> str:
    """A request, an answer, and what follows."""
    asked = 1 + len(ask)
    steps = (*HANDSHAKE, f"> PA 1 1 {len(ask)}", f"< A 1 {asked}", f"< PA 1 {asked} {len(answer)}", *rest)
    return one(*steps, payloads={3: ask, 5: answer}).acted_on


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (OK, "yes"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "yes"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "yes"),
        (CHUNKED + b"0\r\n\r\n", "yes"),
        (OK[:-1], "maybe"),
        (OK[:20], "maybe"),
        (CHUNKED, "maybe"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "maybe"),
        (b"HTTP/1.1 200 OK\r\n\r\nok", "maybe"),  # only the end of the stream ends it
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "maybe"),
        (b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", "maybe"),
        (b"+OK whatever\r\n", "maybe"),
    ],
)
@pytest.mark.parametrize("end", ["< RA {said} {asked}", "> FA {asked} {said}", "< FA {said} {asked}"])
def test_yes_needs_a_whole_answer(answer: bytes, expected: str, end: str) -> None:
    assert exchange(answer=answer, rest=(end.format(said=1 + len(answer), asked=ASKED),)) == expected


def test_an_answer_before_the_whole_request_does_not_act_on_it() -> None:
    """The peer reads the rest only to throw it away."""
    half = len(ASK) - 2
    steps = (*HANDSHAKE, f"> PA 1 1 {half}", f"< PA 1 {1 + half} {len(OK)}", f"> PA {1 + half} {SAID} 2")
    end = (f"< FA {SAID} {ASKED}", f"> FA {ASKED} {SAID + 1}", f"< A {SAID + 1} {ASKED + 1}")
    assert one(*steps, *end, payloads={3: ASK[:half], 4: OK, 5: ASK[half:]}).acted_on == "maybe"


def test_an_interim_answer_comes_before_the_whole_request() -> None:
    half, go_on = len(ASK) - 4, b"HTTP/1.1 100 Continue\r\n\r\n"
    told = 1 + len(go_on)
    steps = (f"> PA 1 1 {half}", f"< PA 1 {1 + half} {len(go_on)}", f"> PA {1 + half} {told} 4")
    payloads = {3: ASK[:half], 4: go_on, 5: ASK[half:], 6: OK}
    assert one(*HANDSHAKE, *steps, f"< PA {told} {ASKED} {len(OK)}", payloads=payloads).acted_on == "yes"


def test_an_answer_to_no_request_says_nothing_of_the_next() -> None:
    """A server that gives up an idle connection in words, which the next request crosses."""
    steps = (*HANDSHAKE, f"< PA 1 1 {len(OK)}", f"> PA 1 1 {len(ASK)}", f"< RA {SAID} {ASKED}")
    assert one(*steps, payloads={3: OK, 4: ASK}).acted_on == "maybe"


def test_the_last_request_counts() -> None:
    again = (f"> PA {ASKED} {SAID} {len(ASK)}", f"< RA {SAID} {ASKED + len(ASK)}")
    payloads = {3: ASK, 5: OK, 7: ASK}
    assert one(*EXCHANGE, payloads=payloads).acted_on == "yes"
    assert one(*EXCHANGE, *again, payloads=payloads).acted_on == "maybe"


def test_an_exchange_that_began_before_the_capture_proves_nothing() -> None:
    assert one(*EXCHANGE[3:], payloads={0: ASK, 2: OK}).acted_on == "maybe"


def test_of_a_missing_segment_of_the_answer_nothing_is_claimed() -> None:
    steps = (*EXCHANGE[:5], f"< PA 1 {ASKED} 20", f"< PA {len(OK)} {ASKED} 1", f"< FA {SAID} {ASKED}")
    assert one(*steps, payloads={3: ASK, 5: OK[:20], 6: OK[-1:]}).acted_on == "maybe"


@pytest.mark.parametrize(("end", "expected"), [(7, "maybe"), (8, "maybe"), (8.9, "maybe"), (9.5, "no"), (60, "no")])
def test_a_syn_is_given_up_when_the_next_one_is_overdue(end: float, expected: str) -> None:
    """Each time-out is twice the one before; the next SYN would have come at 7. Others' packets tell of the time."""
    tries = conversation("> S 0", "> S 0 at=1", "> S 0 at=3")
    other = conversation("> S 0", "< RA 0 1", client=41_000, start=end)
    assert diagnose([*tries, *other])[0].acted_on == expected


def test_an_icmp_error_ends_the_attempt() -> None:
    syn = conversation("> S 0")
    assert diagnose([*syn, icmp(syn[0], 3, 1)])[0].acted_on == "no"


def test_of_a_connection_that_was_let_go_early_nothing_is_claimed() -> None:
    engine = Engine(16 * BYTES_A_CASE)
    for client in range(40_000, 40_020):
        for segment in conversation(*EXCHANGE, payloads={3: ASK, 5: OK}, client=client, start=client - 40_000.0):
            engine.segment(segment)
    evicted = next(engine.cases.settled())
    assert evicted.evicted
    assert conclude(evicted, engine.around, evicted.last_ns).acted_on == "maybe"


def test_a_retry_is_called_safe_for_no_alone() -> None:
    assert [answer for answer, retry in RETRY.items() if retry == "safe"] == ["no"]
    assert [answer for answer, text in SAYS.items() if "safe" in text] == ["no"]
