"""Each cause by the packets that tell it, and each by those that look nearly alike."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from conversations import conversation, diagnose, icmp, one
from wire_packets import HANDSHAKE

from hangup.catalogue import load_catalogue
from hangup.diagnose import Finding, Severity, causes
from hangup.diagnose.signatures import SIGNATURES

ASK = ("> PA 1 1 40", "< A 1 41")
ANSWER = ("< PA 1 41 100", "> A 41 101")
EXCHANGE = (*HANDSHAKE, *ASK, *ANSWER)


class Case(NamedTuple):
    what: str
    steps: tuple[str, ...]
    cause: str
    by: str
    severity: Severity
    until: float | None = None
    ends: tuple[tuple[str, int], ...] = ()


NONE, LOW, MEDIUM, HIGH = Severity.NONE, Severity.LOW, Severity.MEDIUM, Severity.HIGH

CASES = [
    Case(
        "FIN and FIN, the client first",
        (*EXCHANGE, "> FA 41 101", "< FA 101 42", "> A 42 102"),
        "orderly-close",
        "orig",
        NONE,
    ),
    Case(
        "FIN and FIN, the server first",
        (*EXCHANGE, "< FA 101 41", "> FA 41 102", "< A 102 42"),
        "orderly-close",
        "resp",
        NONE,
    ),
    Case(
        "an answer behind the client's FIN",
        (*HANDSHAKE, *ASK, "> FA 41 1", "< A 1 42", "< PA 1 42 9", "< FA 10 42", "> A 42 11"),
        "orderly-close",
        "orig",
        NONE,
    ),
    Case(
        "one-way talk, closed by who sent it",
        (*HANDSHAKE, *ASK, "> FA 41 1", "< FA 1 42", "> A 42 2"),
        "orderly-close",
        "orig",
        NONE,
    ),
    Case(
        "seen from its middle on, FIN and FIN",
        ("> PA 1 1 9", "< A 1 10", "< PA 1 10 9", "> FA 10 10", "< FA 10 11", "> A 11 11"),
        "orderly-close",
        "orig",
        NONE,
    ),
    Case("nothing has ended it", EXCHANGE, "still-open", "nobody", NONE),
    Case("a RST answers the SYN", ("> S 0", "< RA 0 1"), "closed-port", "resp", HIGH),
    Case("SYNs without an answer", ("> S 0", "> S 0 at=1", "> S 0 at=3"), "syn-unanswered", "nobody", HIGH),
    Case("one SYN, and a capture that goes on", ("> S 0",), "syn-unanswered", "nobody", HIGH, 5.0),
    Case("the third ACK draws a RST", (*HANDSHAKE, "< R 1"), "accept-queue-overflow", "resp", MEDIUM),
    Case(
        "SYN+ACK again and again",
        (*HANDSHAKE, "> PA 1 1 40", "< SA 0 1 at=1", "> A 41 1", "> PA 1 1 40 at=1.5", "< SA 0 1 at=3", "> A 41 1"),
        "accept-queue-overflow",
        "resp",
        HIGH,
    ),
    Case(
        "a SYN answered by an ACK of something else",
        ("> S 0", "< A 700 900", "> R 900"),
        "time-wait-reuse",
        "resp",
        HIGH,
    ),
    Case(
        "accepted and closed",
        (*HANDSHAKE, "< FA 1 1", "> A 1 2", "> FA 1 2", "< A 2 2"),
        "closed-at-once",
        "resp",
        MEDIUM,
    ),
    Case(
        "accepted and closed, the request under way",
        (*HANDSHAKE, "> PA 1 1 40", "< FA 1 1", "> FA 41 2", "< R 2"),
        "closed-at-once",
        "resp",
        HIGH,
    ),
    Case(
        "FIN instead of an answer",
        (*HANDSHAKE, *ASK, "< FA 1 41", "> FA 41 2", "< A 2 42"),
        "closed-unanswered",
        "resp",
        HIGH,
    ),
    Case(
        "FIN instead of the second answer",
        (*EXCHANGE, "> PA 41 101 40", "< A 101 81", "< FA 101 81", "> FA 81 102", "< A 102 82"),
        "closed-unanswered",
        "resp",
        HIGH,
    ),
    Case("no answer, and the capture ends", (*HANDSHAKE, *ASK), "no-answer", "nobody", HIGH, 8.0),
    Case(
        "no answer, and the client closes", (*HANDSHAKE, *ASK, "> FA 41 1 at=5", "< A 1 42"), "no-answer", "orig", HIGH
    ),
    Case("no answer, and the client aborts", (*HANDSHAKE, *ASK, "> RA 41 1 at=30"), "no-answer", "orig", HIGH),
    Case("the client aborts at once", (*HANDSHAKE, *ASK, "> RA 41 1"), "application-abort", "orig", HIGH),
    Case("the client aborts when it has its answer", (*EXCHANGE, "> RA 41 101"), "application-abort", "orig", LOW),
    Case("accepted and aborted", (*HANDSHAKE, "> PA 1 1 40", "< RA 1 1 win=64"), "application-abort", "resp", HIGH),
    Case("an idle connection aborted", (*EXCHANGE, "< RA 101 41 win=64 at=3.3"), "application-abort", "resp", MEDIUM),
    Case(
        "the window jumps with the RST",
        (*HANDSHAKE, "> PA 1 1 9000", "< A 1 9001 win=100", "< RA 1 9001 win=400"),
        "unread-data",
        "resp",
        HIGH,
    ),
    Case(
        "FIN, then data, then an abort",
        (*EXCHANGE, "< FA 101 41", "> PA 41 102 40", "< A 102 81", "< RA 102 81 win=64"),
        "unread-data",
        "resp",
        HIGH,
    ),
    Case(
        "FIN and an abort behind it",
        (*EXCHANGE, "< FA 101 41", "< RA 102 41 win=64"),
        "abort-after-fin",
        "resp",
        MEDIUM,
    ),
    Case(
        "FIN, and data draws a RST",
        (*HANDSHAKE, "< FA 1 1", "> A 1 2", "> PA 1 2 40", "< R 2"),
        "data-after-close",
        "resp",
        HIGH,
    ),
    Case(
        "the client closed, and the answer goes on",
        (*EXCHANGE, "< PA 101 41 99", "> FA 41 101", "< PA 200 42 99", "> R 42"),
        "data-after-close",
        "orig",
        HIGH,
    ),
    Case(
        "an old connection used again",
        (*EXCHANGE, "< FA 101 41 at=60", "> A 41 102", "> PA 41 102 40 at=80", "< R 102"),
        "stale-reuse",
        "resp",
        HIGH,
    ),
    Case(
        "idle for a usual time, and closed by FIN",
        (*EXCHANGE, "< RA 101 41 win=64 at=350"),
        "application-abort",
        "resp",
        MEDIUM,
    ),
    Case("the host knows nothing any more", (*EXCHANGE, "> PA 41 101 40 at=90", "< R 101"), "state-lost", "resp", HIGH),
    Case(
        "the RST comes from elsewhere",
        (*EXCHANGE, "> PA 41 101 40 at=90", "< R 101 ttl=63 id=0"),
        "middlebox-reset",
        "third-party",
        HIGH,
    ),
    Case(
        "a RST from elsewhere, made up to look like an answer",
        (*EXCHANGE, "< R 101 ttl=63"),
        "forged-reset",
        "third-party",
        MEDIUM,
    ),
    Case(
        "a RST from elsewhere that answers nothing",
        (*EXCHANGE, "< RA 101 41 win=64 ttl=63"),
        "forged-reset",
        "third-party",
        MEDIUM,
    ),
    Case(
        "the server goes on after its RST",
        (*EXCHANGE, "< R 101", "< PA 101 41 99", "> R 41"),
        "forged-reset",
        "third-party",
        HIGH,
    ),
    Case(
        "RSTs with rising numbers",
        (*HANDSHAKE, *ASK, "< R 1 ttl=60", "< R 1461 ttl=60", "< R 4381 ttl=60"),
        "forged-reset",
        "third-party",
        HIGH,
    ),
    Case(
        "a RST that is not in order",
        (*HANDSHAKE, *ASK, "< R 9000 ttl=60", "> A 41 1", *ANSWER, "> FA 41 101", "< FA 101 42", "> A 42 102"),
        "reset-ignored",
        "third-party",
        LOW,
    ),
    Case(
        "keep-alive probes, then a RST",
        (*EXCHANGE, "> A 40 101 at=60", "> A 40 101 at=61", "> A 40 101 at=62", "> RA 41 101 at=63"),
        "keepalive-timeout",
        "orig",
        MEDIUM,
    ),
    Case(
        "the server's keep-alive probes, to the end",
        (*EXCHANGE, "< A 100 41 at=60", "< A 100 41 at=61", "< A 100 41 at=62"),
        "keepalive-timeout",
        "nobody",
        MEDIUM,
    ),
    Case(
        "retransmissions without an answer",
        (*EXCHANGE, *[f"> PA 41 101 40 at={at}" for at in (5, 5.2, 5.6, 6.4)]),
        "retransmission-timeout",
        "nobody",
        HIGH,
    ),
    Case(
        "the answer sent again and again",
        (*HANDSHAKE, *ASK, *[f"< PA 1 41 99 at={at}" for at in (5, 5.2, 5.6, 6.4)]),
        "retransmission-timeout",
        "nobody",
        MEDIUM,
    ),
    Case(
        "the receiver takes no more",
        (
            *HANDSHAKE,
            "> PA 1 1 9000",
            "< A 1 9001 win=0",
            "> A 9000 1 at=1",
            "< A 1 9001 win=0",
            "> A 9000 1 at=3",
            "< A 1 9001 win=0",
        ),
        "receiver-stalled",
        "nobody",
        HIGH,
        9.0,
    ),
    Case("a FIN in the middle, of which nothing fits", ("> PA 1 1 9", "> R 10"), "unknown", "orig", HIGH),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_the_cause_comes_first(case: Case) -> None:
    finding = one(*case.steps, until=case.until, **dict(case.ends))
    assert [finding.cause, finding.ended_by, finding.severity] == [case.cause, case.by, case.severity], [
        (h.cause, h.confidence) for h in finding.causes
    ]


def http(status: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode() + body


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HELLO = bytes.fromhex("16030100 05") + b"hello"
SECRET = bytes.fromhex("17030300 05") + b"12345"


def exchange(answer: bytes, *ending: str, request: bytes = GET) -> str:
    """The cause where this is the answer, and then comes the ending."""
    steps = (*HANDSHAKE, f"> PA 1 1 {len(request)}", f"< PA 1 {1 + len(request)} {len(answer)}", *ending)
    return one(*steps, payloads={3: request, 4: answer}, until=9.0).cause


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (http("200 OK", "Content-Length: 9", body=b"123456789"), "orderly-close"),
        (http("200 OK", "Content-Length: 9", body=b"12345"), "closed-mid-answer"),
        (http("200 OK", "Content-Length: 9")[:20], "closed-mid-answer"),
        (http("200 OK", body=b"to the end of the stream"), "orderly-close"),
        (http("200 OK", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"), "orderly-close"),
        (http("200 OK", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n"), "closed-mid-answer"),
        (http("304 Not Modified", "Content-Length: 9"), "orderly-close"),
        (HELLO[:7], "closed-mid-answer"),
        (HELLO, "closed-mid-answer"),
        (HELLO + SECRET, "orderly-close"),
        (HELLO + SECRET[:7], "closed-mid-answer"),
        (http("200 OK", "Content-Length: 9", body=b"123456789 and more"), "orderly-close"),
        (http("200 OK", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\nsorry!\r\n"), "closed-mid-answer"),
        (http("103 Early Hints"), "closed-unanswered"),
        (http("100 Continue") + http("200 OK", "Content-Length: 0"), "orderly-close"),
        (b"220 a server that speaks something else", "orderly-close"),
    ],
)
def test_a_fin_is_judged_by_what_the_answer_announced(answer: bytes, cause: str) -> None:
    size, asked = len(answer), 1 + len(GET)
    ending = (f"> FA {asked} {2 + size}", f"< A {2 + size} {asked + 1}")
    assert exchange(answer, f"< FA {1 + size} {asked}", *ending) == cause
    together = (*HANDSHAKE, f"> PA 1 1 {len(GET)}", f"< FPA 1 {asked} {size}", *ending)
    assert one(*together, payloads={3: GET, 4: answer}).cause == cause


def test_what_is_sent_again_behind_the_fin_is_no_answer() -> None:
    """Measured: a FIN with the last words in the same segment, which the kernel's loss probe sends once more."""
    hints = http("103 Early Hints")
    size, asked = len(hints), 1 + len(GET)
    last = f"< FPA 1 {asked} {size}"
    steps = (*HANDSHAKE, f"> PA 1 1 {len(GET)}", last, last, f"> FA {asked} {2 + size}", f"< A {2 + size} {asked + 1}")
    assert one(*steps, payloads={3: GET, 4: hints, 5: hints}).cause == "closed-unanswered"


def test_an_answer_to_head_has_no_body() -> None:
    head, answer = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", http("200 OK", "Content-Length: 9")
    size, asked = len(answer), 1 + len(head)
    ending = (f"< FA {1 + size} {asked}", f"> FA {asked} {2 + size}", f"< A {2 + size} {asked + 1}")
    assert exchange(answer, *ending, request=head) == "orderly-close"


def test_an_answer_that_stops_in_the_middle_is_stalled() -> None:
    assert exchange(http("200 OK", "Content-Length: 9", body=b"12345")) == "stalled"


def test_a_fatal_alert_explains_what_follows() -> None:
    alert = bytes.fromhex("15030300 02 0228")
    assert exchange(alert, f"< FA {1 + len(alert)} 11", f"> FA 11 {2 + len(alert)}", request=HELLO) == "tls-alert"
    assert one(*HANDSHAKE, "> PA 1 1 10", "< FPA 1 11 7", payloads={3: HELLO, 4: alert}).cause == "tls-alert"


def test_a_tls_goodbye_after_a_fin_is_no_use_of_the_connection() -> None:
    """RFC 8446 section 6.1: who gets a FIN answers with close_notify, which then draws a RST."""
    steps = (*HANDSHAKE, "> PA 1 1 10", "< PA 1 11 10", "< FA 11 11", "> PA 11 12", "< R 12")
    for size, cause in ((19, "orderly-close"), (200, "stale-reuse")):
        record = bytes((0x17, 3, 3, 0, size)) + bytes(size)
        assert one(*steps, payloads={3: HELLO, 4: SECRET, 6: record}).cause == cause


def test_an_alert_that_answers_a_fin_did_not_cause_it() -> None:
    alert = bytes.fromhex("15030300 02 0232")
    steps = (*HANDSHAKE, "> PA 1 1 10", "< FA 1 11", "> PA 11 2 7", "< R 2")
    assert one(*steps, payloads={3: HELLO, 5: alert}).cause == "closed-unanswered"


def test_a_request_that_crosses_the_fin_is_a_stale_reuse_too() -> None:
    assert one(*EXCHANGE, "> PA 41 101 40", "< FA 101 41", "> FA 81 102", "< R 102").cause == "stale-reuse"


POST = b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + b"x" * 57
EARLY = http("413 Too Large", "Content-Length: 2", body=b"no")


def test_the_rest_of_an_upload_is_no_use_of_the_connection_again() -> None:
    """It is answered already, whether the rest crosses the FIN or follows it."""
    answered = (*HANDSHAKE, "> PA 1 1 100", "< PA 1 101 47")
    crossing = ("> PA 101 48 40", "< FA 48 101", "> A 141 49", "< A 49 141", "> FA 141 49", "< A 49 142")
    following = ("< FA 48 101", "> PA 101 49 40", "< R 49")
    assert (len(POST), len(EARLY)) == (100, 47)
    assert one(*answered, *crossing, payloads={3: POST, 4: EARLY}).cause == "orderly-close"
    assert one(*answered, *following, payloads={3: POST, 4: EARLY}).cause == "data-after-close"


def test_what_is_sent_again_after_a_fin_arrives_after_it() -> None:
    steps = (*HANDSHAKE, *ASK, "< A 1 41", "> PA 41 1 40", "< FA 1 41", "> PA 41 2 40", "< R 2")
    assert one(*steps).cause == "data-after-close"


def test_a_fin_that_nobody_is_left_to_answer_did_not_end_it() -> None:
    """Measured: a container's first process is killed, and then its network goes."""
    closed = (*HANDSHAKE, *ASK, "< FA 1 41", "> A 41 2", "> FA 41 2 at=1")
    assert one(*closed, *(f"> FA 41 2 at={at}" for at in (2, 4, 8))).cause == "closed-unanswered"
    assert one(*HANDSHAKE, *ASK, *(f"> FA 41 1 at={at}" for at in (1, 2, 4, 8))).cause == "retransmission-timeout"


def test_a_timer_that_sends_again_after_its_own_rst_is_no_forgery() -> None:
    """Measured: the kernel of a side that has closed may send its FIN again when it has just sent the RST."""
    closed = (*HANDSHAKE, *ASK, "< FPA 1 41 100", "> PA 41 102 40", "< R 102")
    assert one(*closed, "< FPA 1 41 100").cause == one(*closed).cause == "stale-reuse"
    assert one(*EXCHANGE, "< R 101", "< PA 101 41 50").cause == "forged-reset"


def test_scenarios_that_speak_alike_are_like_it() -> None:
    plain = one(*HANDSHAKE, "> PA 1 1 27", "< RA 1 28 win=64", payloads={3: GET})
    tls = one(*HANDSHAKE, "> PA 1 1 10", "< RA 1 11 win=64", payloads={3: HELLO})
    assert plain.scenarios[0].scenario == "rst-before-response"
    assert not any("tls" in match.scenario for match in plain.scenarios)
    assert "tls-rst-at-hello" in [match.scenario for match in tls.scenarios]
    assert all("tls" in load_catalogue()[match.scenario].features for match in tls.scenarios)


def test_an_icmp_error_is_like_the_scenario_with_that_kind_of_error() -> None:
    syns = conversation("> S 0", "> S 0 at=1")
    (finding,) = diagnose([*syns, icmp(syns[0], 3, 3)])
    assert [match.scenario for match in finding.scenarios] == ["service-endpoint-removed"]


def test_a_rst_in_the_place_of_the_second_fin_does_no_harm() -> None:
    finding = one(*EXCHANGE, "< FA 101 41", "> RA 41 102")
    assert (finding.cause, finding.severity) == ("orderly-close", LOW)


def test_an_upload_that_nobody_reads_to_its_end_is_unread() -> None:
    post = b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n"
    early = http("413 Too Large", "Content-Length: 0")
    asked = 1 + len(post)
    assert exchange(early, f"< RA {1 + len(early)} {asked} win=64", request=post) == "unread-data"


def test_bytes_that_are_the_same_are_equally_likely() -> None:
    """Measured: linger 0 and a close with a little unread data cannot be told apart."""
    finding = one(*HANDSHAKE, *ASK, "< RA 1 41 win=512")
    assert set(finding.likeliest) == {"application-abort", "unread-data"}
    assert all(h.limits for h in finding.causes[:2])


@pytest.mark.parametrize(
    ("kind", "code", "cause"),
    [(3, 1, "unreachable"), (3, 0, "unreachable"), (11, 0, "unreachable"), (3, 13, "firewall-reject"),
     (3, 3, "firewall-reject"), (3, 10, "firewall-reject"), (3, 4, "syn-unanswered")],
)  # fmt: skip
def test_icmp_says_why_there_is_no_answer(kind: int, code: int, cause: str) -> None:
    syns = conversation("> S 0", "> S 0 at=1")
    (finding,) = diagnose([*syns, icmp(syns[0], kind, code)])
    assert finding.cause == cause


def words(finding: Finding) -> list[str]:
    """The evidence of the most likely cause."""
    return [evidence.says for evidence in finding.causes[0].evidence]


def test_evidence_names_what_numbers_stand_for() -> None:
    alert = bytes.fromhex("15030300 02 0230")
    tls = one(*HANDSHAKE, "> PA 1 1 10", "< FPA 1 11 7", payloads={3: HELLO, 4: alert})
    assert words(tls) == ["the responder sent the fatal alert unknown_ca (48)"]
    syns = conversation("> S 0", "> S 0 at=1", "> S 0 at=3")
    (gone,) = diagnose([*syns, *(icmp(syn, 3, 1) for syn in syns)])
    assert words(gone) == ["203.0.113.1 reported by ICMP: host-unreachable, 3 times"]
    assert gone.causes[0].evidence[0].packets == (2, 4, 6)


def test_evidence_says_for_how_long() -> None:
    silent = (*HANDSHAKE, *ASK)
    assert words(one(*silent, until=8.0))[1] == "the capture ended 8.0 s after that, without an answer"
    assert "the capture ended with its last segment" in words(one(*EXCHANGE))[0]
    closed = (*HANDSHAKE, *ASK, "< FA 1 41 at=2", "> FA 41 2", "< A 2 42")
    assert words(one(*closed))[1] == "2.0 s later the responder sent FIN, and no answer"
    assert words(one("> S 0", "> S 0 at=1", "> S 0 at=3"))[0].startswith("the SYN was sent 3 times over 3.0 s")


class TestOtherConnections:
    """What they tell of one."""

    def test_a_refusal_from_another_distance_is_a_firewalls(self) -> None:
        working = conversation(*EXCHANGE, client=40001)
        refused = conversation("> S 0", "< RA 0 1 ttl=63", start=1.0, server=9001)
        assert [f.cause for f in diagnose(working, refused)] == ["still-open", "firewall-reject"]

    def test_a_refusal_from_the_same_distance_is_the_hosts(self) -> None:
        working = conversation(*EXCHANGE, client=40001)
        refused = conversation("> S 0", "< RA 0 1", start=1.0, server=9001)
        finding = diagnose(working, refused)[1]
        assert (finding.cause, finding.causes[0].confidence) == ("closed-port", 0.95)

    def test_a_refusal_after_an_ending_means_that_the_process_is_gone(self) -> None:
        ended = conversation(*HANDSHAKE, *ASK, "< FA 1 41", "> FA 41 2", "< A 2 42")
        refused = conversation("> S 0", "< RA 0 1", start=0.5, client=40001)
        assert diagnose(ended, refused)[0].cause == "process-gone"

    def test_a_port_that_takes_connections_meanwhile_was_not_gone(self) -> None:
        ended = conversation(*HANDSHAKE, *ASK, "< FA 1 41", "> FA 41 2", "< A 2 42")
        taken = conversation(*EXCHANGE, start=0.2, client=40002)
        refused = conversation("> S 0", "< RA 0 1", start=0.5, client=40001)
        assert diagnose(ended, taken, refused)[0].cause == "closed-unanswered"

    def test_idle_times_that_agree_are_a_timeout(self) -> None:
        def closed_after(seconds: float, client: int) -> list[object]:
            ending = (f"< FA 101 41 at={seconds}", "> FA 41 102", "< A 102 42")
            return list(conversation(*EXCHANGE, *ending, client=client))

        several = diagnose(*(closed_after(42.0 + n / 10, 40000 + n) for n in range(4)))  # type: ignore[arg-type]
        assert {f.cause for f in several} == {"idle-timeout"}
        (alone,) = diagnose(closed_after(42.0, 40000))  # type: ignore[arg-type]
        assert alone.cause == "orderly-close"

    def test_connections_of_a_host_that_are_forgotten_together_mean_a_reboot(self) -> None:
        forgotten = [
            conversation(*EXCHANGE, "> PA 41 101 40 at=90", "< R 101", client=40000 + n, start=n) for n in range(3)
        ]
        finding = diagnose(*forgotten)[0]
        assert (finding.cause, finding.causes[0].confidence) == ("state-lost", 0.85)

    def test_the_connection_before_explains_an_ack_of_something_else(self) -> None:
        before = conversation(*EXCHANGE, "< FA 101 41", "> FA 41 102", "< A 102 42")
        after = conversation("> S 0", "< A 102 42", "> R 42", start=5.0, client_isn=77_000_000)
        finding = diagnose(before, after)[1]
        assert finding.cause == "time-wait-reuse"
        assert any("stream 0" in e.says for e in finding.causes[0].evidence)


def test_a_blind_syn_opens_nothing() -> None:
    """RFC 5961 section 4: it draws a challenge ACK, and the connection goes on."""
    asked = (
        "> A 1 1",
        "> PA 1 1 10 at=6",
        "< A 1 11",
        "< PA 1 11 20",
        "> A 11 21",
        "> FA 11 21",
        "< FA 21 12",
        "> A 12 22",
    )
    for syn in ("< S 500 ttl=47", "> S 500 ttl=47"):
        finding = one(*HANDSHAKE, syn, *asked)
        assert (finding.conn_state, finding.cause, finding.orig_bytes, finding.resp_bytes) == (
            "SF",
            "orderly-close",
            10,
            20,
        )


def test_a_syn_of_the_same_host_may_open_the_next() -> None:
    talk = conversation(*HANDSHAKE, "> S 70000", "< A 1 1", "> R 1")
    assert [finding.cause for finding in diagnose(talk)] == ["still-open", "time-wait-reuse"]


def test_a_firewall_on_the_host_answers_in_its_name() -> None:
    """Its own socket goes on, so nothing is said of sockets that there are not."""
    reset = ("> PA 1 1 10", "< R 1 win=0 id=0")
    again = [step for at in (3, 3.2, 3.6, 4.4) for step in (f"< PA 1 11 10 at={at}", "> R 11 win=0 id=0")]
    finding = one(*HANDSHAKE, *reset, *again)
    assert (finding.cause, finding.ended_by) == ("middlebox-reset", "third-party")
    assert not any("no open socket" in evidence.says for evidence in finding.causes[0].evidence)


def test_a_segment_that_draws_rsts_is_not_unanswered() -> None:
    finding = one(*HANDSHAKE, "> PA 1 1 10", *[step for _ in range(4) for step in ("< PA 1 11 10", "> R 11")])
    assert "retransmission-timeout" not in [hypothesis.cause for hypothesis in finding.causes]


@pytest.mark.parametrize(
    ("steps", "cause", "no"),
    [
        # a capture on all interfaces: each segment twice
        (
            [step for step in (*HANDSHAKE, "< RA 1 1 win=500") for _ in range(2)],
            "application-abort",
            "accept-queue-overflow",
        ),
        # rebooted: it would have sent its SYN+ACK again long before
        ([*HANDSHAKE, "> PA 1 1 10 at=6", "< R 1 win=0 id=0"], "state-lost", "accept-queue-overflow"),
        # TCP Fast Open
        (["> S 0 0 3", "< RA 0 4 win=0 id=0"], "closed-port", "unknown"),
    ],
)
def test_a_cause_is_not_taken_for_its_neighbour(steps: list[str], cause: str, no: str) -> None:
    finding = one(*steps)
    assert finding.cause == cause
    assert no not in [hypothesis.cause for hypothesis in finding.causes]


def test_an_upload_that_is_read_to_its_end_behind_the_answer_is_in_order() -> None:
    """A lingering close (RFC 9112 section 9.6)."""
    early = b"HTTP/1.1 413 Content Too Large\r\n\r\n"
    said = 1 + len(early)
    upload = ("> A 1 1 1000", "> A 1001 1 1000", f"< PA 1 1001 {len(early)}", f"< FA {said} 1001")
    rest = (f"> PA 2001 {said + 1} 500", f"< A {said + 1} 2501", f"> FA 2501 {said + 1}", f"< A {said + 1} 2502")
    finding = one(*HANDSHAKE, *upload, *rest, payloads={5: early})
    assert (finding.cause, finding.severity.value) == ("orderly-close", "none")


@pytest.mark.parametrize("name", causes())
def test_every_cause_is_told_and_cited(name: str) -> None:
    cause = causes()[name]
    assert 10 <= len(cause.title) <= 100
    assert not cause.title.endswith(".")
    assert all(len(text) >= 30 and text.endswith(".") for text in (cause.means, cause.confirm))
    assert cause.cites or name == "unknown"


def test_every_cause_has_a_case_and_every_signature_a_cause() -> None:
    assert set(SIGNATURES) == set(causes()) - {"unknown"}
    elsewhere = {
        "firewall-reject",
        "unreachable",
        "closed-mid-answer",
        "stalled",
        "tls-alert",
        "process-gone",
        "idle-timeout",
    }
    assert {case.cause for case in CASES} | elsewhere == set(causes())


def test_a_hypothesis_names_its_packets() -> None:
    finding = one(*EXCHANGE, "< FA 101 41 at=60", "> A 41 102", "> PA 41 102 40 at=80", "< R 102")
    assert [e.packets for e in finding.causes[0].evidence] == [(8,), (10,), (11,)]


def test_the_catalogue_names_causes_that_there_are() -> None:
    for scenario in load_catalogue().values():
        assert set(scenario.cause) <= set(causes()), scenario.id
