"""What is said of a trial follows from its packets: who ended it, why a RST was sent, and why the client says what
it says. No case names a scenario."""

from __future__ import annotations

import pytest
from ladder_samples import CLIENT_PORT, HANDSHAKE, INTERRUPTED, REQUEST, START, icmp, packets

from hangup.judge import Outcome
from hangup.ladder import explain
from hangup.ladder.explain import ENDS, TOLD, WHYS
from hangup.ladder.words import TOLD as WORDS

FIN, FIN_ACK = "2 < FA 1 42", "2.1 > A 42 2"


def said(texts: tuple[str, ...], outcome: Outcome, read: int | None = 41, code: int | None = None) -> str:
    """The explanation in one line. ``code``: of an ICMP error that came of it."""
    known = {} if read is None else {CLIENT_PORT: read}
    errors = [] if code is None else [icmp(code)]
    return " ".join(explain(packets(*texts), errors, known, outcome, start_ns=START))


@pytest.mark.parametrize(
    ("texts", "outcome", "read", "expected"),
    [
        pytest.param(
            INTERRUPTED, Outcome.EOF, 41,
            ("The peer ended its side with a FIN at 5.000 ms",
             "The peer's RST at 105.030 ms answers the 41 bytes that the client sent at 105.000 ms, after that FIN",
             "nobody reset the connection on purpose", "The FIN was there first", "returns end of file", "EPIPE"),
            id="a reader is told of the FIN though a RST followed",
        ),
        pytest.param(
            INTERRUPTED, Outcome.BROKEN_PIPE, 41,
            ("answers the 41 bytes", "Of a RST that follows a FIN Linux makes EPIPE, not ECONNRESET"),
            id="a writer is told of the RST, as EPIPE",
        ),
        pytest.param(
            INTERRUPTED, Outcome.RESET, 41,
            ("answers the 41 bytes", "reset is the client's own word for what it was told"),
            id="a library that says reset nevertheless",
        ),
        pytest.param(
            (*REQUEST, "2 < RA 1 42"), Outcome.RESET, 41,
            ("No FIN was sent", "sent by a socket that was still open", "SO_LINGER", "makes it ECONNRESET"),
            id="an abort",
        ),
        pytest.param(
            (*REQUEST, "2 < RA 1 42"), Outcome.RESET, 0,
            ("closed with 41 bytes unread", "RFC 2525"),
            id="a close with the request unread",
        ),
        pytest.param(
            (*HANDSHAKE, "0.1 > PA 1 1 41", "2 < RA 1 1"), Outcome.RESET, 0,
            ("SO_LINGER",),
            id="what was never acknowledged was never there to be read",
        ),
        pytest.param(
            (*REQUEST, FIN, "3 < RA 2 42"), Outcome.EOF, 41,
            ("FIN at 2.000 ms", "was sent by a socket that was still open", "after its FIN at 2.000 ms it was aborted",
             "The FIN was there first"),
            id="an abort after a FIN",
        ),
        pytest.param(
            (*REQUEST, FIN, FIN_ACK), Outcome.TRUNCATED, 41,
            ("FIN at 2.000 ms", "The peer sent no RST. A FIN says that the stream has ended"),
            id="a FIN alone",
        ),
        pytest.param(
            (*REQUEST, FIN, FIN_ACK), Outcome.RESET, 41,
            ("The peer sent no RST: reset is the client's own word for the FIN",),
            id="a FIN that a library calls a reset",
        ),
        pytest.param(
            (*REQUEST, FIN, FIN_ACK), Outcome.SILENT_TRUNCATION, 41,
            ("before the announced length",),
            id="half a file for a whole one",
        ),
        pytest.param(
            (*REQUEST, FIN, "3 > FA 42 2", "3.1 < A 2 43"), Outcome.BROKEN_PIPE, 41,
            ("the client had closed its own side by the time it wrote",),
            id="a client that closed by itself and then wrote",
        ),
        pytest.param(
            (*REQUEST, "2 < RA 1 42"), Outcome.EOF, 41,
            ("that the stream has ended is the client's own word",),
            id="a RST that a library calls an end",
        ),
        pytest.param(
            (*REQUEST, "2 < RA 1 42"), Outcome.BROKEN_PIPE, 41,
            ("ECONNRESET is told once only",),
            id="the second call after a RST",
        ),
        pytest.param(
            ("0 > S 0", "0.02 < RA 0 1"), Outcome.REFUSED, None,
            ("No FIN was sent", "The peer's RST at 0.020 ms answers the SYN: nothing listens"),
            id="a refusal",
        ),
        pytest.param(
            ("0 > S 0", "1000 > S 0", "3000 > S 0"), Outcome.TIMEOUT, None,
            ("Nothing ever answered the client, which sent 3 SYNs", "only a deadline ends the wait"),
            id="a black hole",
        ),
        pytest.param(
            ("0 > S 0", "1000 > S 0"), Outcome.REFUSED, None,
            ("which sent 2 SYNs", "refused is the client's own word for the silence"),
            id="a black hole that a library calls a refusal",
        ),
        pytest.param(
            REQUEST, Outcome.HANG, 41,
            ("Neither side had ended the connection", "only a deadline ends the wait"),
            id="silence",
        ),
        pytest.param(
            (*REQUEST, "1 > FA 42 1", "2 < PA 1 43 100", "2.1 > R 43"), Outcome.EOF, 41,
            ("The client ended its side first, with a FIN at 1.000 ms",
             "The client's RST at 2.100 ms answers the 100 bytes that the peer sent at 2.000 ms"),
            id="a client that closes before the answer",
        ),
        pytest.param(
            (*REQUEST, "1 < PA 1 42 1065", "2 < RA 1066 42", "3 > A 42 1066"), Outcome.SUCCESS, 41,
            ("had all that it wanted, and was told nothing of that RST",),
            id="a RST behind the whole answer",
        ),
        pytest.param(
            (*REQUEST, "1 > RA 42 1", "2 < PA 1 42 9", "2.1 > R 42"), Outcome.TIMEOUT, 41,
            ("The client's RST at 1.000 ms", "aborted, or closed with something unread"),
            id="a client that aborts",
        ),
        pytest.param(
            (*REQUEST, "2 < R 1"), Outcome.RESET, 41,
            ("answers a segment for which no socket was open any more",),
            id="a RST that answers though no FIN was seen",
        ),
    ],
)  # fmt: skip
def test_the_packets_explain(
    texts: tuple[str, ...], outcome: Outcome, read: int | None, expected: tuple[str, ...]
) -> None:
    explanation = said(texts, outcome, read)
    for part in expected:
        assert part in explanation


@pytest.mark.parametrize(
    ("texts", "outcome", "code", "expected"),
    [
        pytest.param(
            ("0 > S 0",), Outcome.UNREACHABLE, 13,
            ("sent one SYN; what answered was no segment, but ICMP: admin-prohibited", "ends the connect at once"),
            id="a SYN that ICMP answers",
        ),
        pytest.param(
            ("0 > S 0",), Outcome.REFUSED, 3,
            ("ICMP: port-unreachable", "makes ECONNREFUSED, as it does of a RST"), id="a refusal by ICMP",
        ),
        pytest.param(
            REQUEST, Outcome.UNREACHABLE, 1,
            ("Neither side ended the connection", "ICMP: host-unreachable", "a hint"), id="ICMP in the middle",
        ),
        pytest.param(
            (*REQUEST, "2 ? RA 1 42"), Outcome.RESET, None,
            ("No FIN was sent", "bears the peer's address", "makes it ECONNRESET"), id="a forged RST",
        ),
        pytest.param(
            (*REQUEST, "2 ? RA 999 42", "2.1 > A 42 1", "3 < FA 1 42"), Outcome.EOF, None,
            ("with a FIN at 3.000 ms", "The RST at 2.000 ms ended nothing: it was forged", "The peer sent no RST"),
            id="a forged RST that is ignored",
        ),
        pytest.param(
            (*REQUEST, "2 > RA 42 1"), Outcome.ABORTED, None,
            ("The client's own kernel sent that RST",), id="an abort by the client's kernel",
        ),
        pytest.param((), Outcome.UNREACHABLE, None, ("No packet left the client",), id="nothing sent"),
    ],
)  # fmt: skip
def test_what_others_did_explains(
    texts: tuple[str, ...], outcome: Outcome, code: int | None, expected: tuple[str, ...]
) -> None:
    explanation = said(texts, outcome, code=code)
    for part in expected:
        assert part in explanation


def test_every_connection_s_end_is_explained_and_the_client_s_word_by_the_last_one() -> None:
    first = packets(*REQUEST, FIN, FIN_ACK)
    second = [p._replace(connection=2, client_port=40001) for p in packets("9 > S 0", "9.1 < RA 0 1")]
    explanation = explain([*first, *second], [], {CLIENT_PORT: 41}, Outcome.RESET, start_ns=START)
    assert [sentence[:42] for sentence in explanation] == [
        "Connection 1: The peer ended its side with",
        "Connection 2: No FIN was sent: neither sid",
        "Connection 2: The peer's RST at 9.100 ms a",
        "Connection 2: There was no FIN before that",
    ]


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.SUCCESS])
def test_an_explanation_never_contradicts_the_wire(outcome: Outcome) -> None:
    """Whatever the client says: no RST is spoken of where none was sent, and none is denied where one was."""
    assert "The peer's RST" not in said((*REQUEST, FIN, FIN_ACK), outcome)
    assert "sent no RST" not in said(INTERRUPTED, outcome)
    assert "sent no RST" not in said((*REQUEST, "2 < RA 1 42"), outcome)


def test_each_table_has_a_last_word() -> None:
    """Whatever the packets are, the ends and the reasons have a sentence, and every outcome has words."""
    assert ENDS[-1].fits is WHYS[-1].fits
    assert set(WORDS) == set(Outcome)
    assert {outcome for told in TOLD for outcome in told.outcomes} >= {Outcome.EOF, Outcome.RESET, Outcome.BROKEN_PIPE}
