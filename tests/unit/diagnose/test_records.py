"""What TLS records tell without their keys: real conversations, by OpenSSL and the `h2` library, over memory.

Clients that pad, or that send these records in another order, are in the lab's run of all clients.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import trustme
from conversations import one
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from hypothesis import given
from hypothesis import strategies as st
from wire_packets import HANDSHAKE

from hangup.diagnose.messages import Messages
from hangup.diagnose.records import Records

if TYPE_CHECKING:
    from collections.abc import Callable

    from hangup.diagnose import Finding
    from hangup.wire import By

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
HEADERS = [(":method", "GET"), (":path", "/"), (":scheme", "https"), (":authority", "localhost:8443")]

CA = trustme.CA()
CERTIFICATE = CA.issue_cert("localhost")


class Talk:
    """Two sides over TLS, and what they sent, in its order."""

    def __init__(
        self, version: str = "1.3", *, alpn: tuple[str, ...] = ("http/1.1",), tickets: int = 0, ciphers: str = ""
    ) -> None:
        theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        CERTIFICATE.configure_cert(theirs)
        CA.configure_trust(ours)
        theirs.maximum_version = VERSIONS[version]
        theirs.num_tickets = tickets
        if ciphers:
            theirs.set_ciphers(ciphers)
        theirs.set_alpn_protocols(["h2", "http/1.1"])
        if alpn:
            ours.set_alpn_protocols(list(alpn))
        self._to_server, self._to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._from_server, self._from_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = ours.wrap_bio(self._to_client, self._from_client, server_hostname="localhost")
        self.server = theirs.wrap_bio(self._to_server, self._from_server, server_side=True)
        self.sent: list[tuple[str, bytes]] = []
        self._shake_hands()

    def _shake_hands(self) -> None:
        for _ in range(3):
            for side in (self.client, self.server):
                with suppress(ssl.SSLWantReadError):
                    side.do_handshake()
                self._pass_on()

    def _pass_on(self) -> None:
        for who, source, target in (
            (">", self._from_client, self._to_server), ("<", self._from_server, self._to_client),
        ):  # fmt: skip
            if source.pending:
                data = source.read()
                self.sent.append((who, data))
                target.write(data)

    def says(self, who: str, *parts: bytes) -> Talk:
        """Each part is a record of its own."""
        for part in parts:
            (self.client if who == ">" else self.server).write(part)
            self._pass_on()
            (self.server if who == ">" else self.client).read()
        return self

    def takes_leave(self, who: str) -> Talk:
        """close_notify."""
        with suppress(ssl.SSLWantReadError):
            (self.client if who == ">" else self.server).unwrap()
        self._pass_on()
        return self

    def read(self) -> Records:
        """What the records tell."""
        requests = Messages()
        answers = Messages(requests)
        seqs = {">": 1, "<": 1}
        for number, (who, data) in enumerate(self.sent):
            (requests if who == ">" else answers).feed(number, seqs[who], len(data), data)
            seqs[who] += len(data)
        assert requests.records is not None
        return requests.records

    def ended(self, *steps: Callable[[int, int], str]) -> Finding:
        """The finding, where TCP then goes on so; each step is told how far client and server have got."""
        seqs = {">": 1, "<": 1}
        lines, payloads = [*HANDSHAKE], {}
        for who, data in self.sent:
            payloads[len(lines)] = data
            other = "<" if who == ">" else ">"
            lines.append(f"{who} PA {seqs[who]} {seqs[other]} {len(data)}")
            seqs[who] += len(data)
            lines.append(f"{other} A {seqs[other]} {seqs[who]}")
        return one(*lines, *(step(seqs[">"], seqs["<"]) for step in steps), payloads=payloads)


SERVER_CLOSES = (lambda c, s: f"< FA {s} {c}", lambda c, s: f"> FA {c} {s + 1}", lambda c, s: f"< A {s + 1} {c + 1}")


class Http2(Talk):
    """The same with HTTP/2 in it; each `flush` of a side is a record."""

    def __init__(self, version: str = "1.3", *, tickets: int = 0) -> None:
        super().__init__(version, alpn=("h2", "http/1.1"), tickets=tickets)
        self.ours = H2Connection(H2Configuration(client_side=True))
        self.theirs = H2Connection(H2Configuration(client_side=False))
        self.ours.initiate_connection()
        self.theirs.initiate_connection()

    def flush(self, who: str) -> Http2:
        mine, other = (self.ours, self.theirs) if who == ">" else (self.theirs, self.ours)
        data = mine.data_to_send()
        self.says(who, data)
        other.receive_data(data)
        return self

    def asks(self) -> Http2:
        """Its first words and a request; then SETTINGS are acknowledged, the client's last."""
        self.flush(">")
        self.ours.send_headers(1, HEADERS, end_stream=True)
        return self.flush(">").flush("<").flush("<" if self.theirs.data_to_send(0) else ">")

    def answers(self) -> Http2:
        self.theirs.send_headers(1, [(":status", "200")])
        self.theirs.send_data(1, b"x" * 512, end_stream=True)
        return self.flush("<")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("tickets", [0, 2])
def test_who_spoke_last_is_known_without_the_keys(version: str, tickets: int) -> None:
    talk = Talk(version, tickets=tickets)
    records = talk.read()
    assert (records.ready, records.version, records.turns, records.unanswered) == (True, version, 0, False)
    asked = talk.says(">", REQUEST).read()
    assert (asked.turns, asked.unanswered, asked.h2) == (1, True, False)
    answered = talk.says("<", ANSWER).read()
    assert (answered.turns, answered.unanswered, answered.alerted) == (2, False, set())
    again = talk.says(">", REQUEST).takes_leave("<").read()
    assert (again.turns, again.unanswered, again.alerted) == (3, True, {"resp"})


@pytest.mark.parametrize("ciphers", ["ECDHE+CHACHA20", "ECDHE+AESGCM", "ECDHE+AES:!AESGCM:!AESCCM"])
def test_tls_1_2_with_any_cipher(ciphers: str) -> None:
    records = Talk("1.2", ciphers=ciphers).says(">", REQUEST).read()
    assert (records.ready, records.turns, records.unanswered) == (True, 1, True)


def test_a_server_that_keeps_to_http_1_is_no_http_2() -> None:
    talk = Talk(alpn=("h2",)).says(">", REQUEST)
    assert (talk.read().h2_offered, talk.read().h2) == (True, None)
    records = talk.says("<", ANSWER[:-5], b"not found").read()  # nine bytes, as SETTINGS with ACK have
    assert (records.h2, records.turns, records.unanswered) == (None, 2, False)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("tickets", [0, 2])
def test_what_keeps_http_2_going_is_no_answer(version: str, tickets: int) -> None:
    talk = Http2(version, tickets=tickets).asks()
    asked = talk.read()
    assert (asked.h2, asked.turns, asked.unanswered, asked.last_words) == (True, 1, True, None)
    answered = talk.answers().read()
    assert (answered.turns, answered.unanswered, answered.last_words) == (2, False, None)
    talk.theirs.close_connection()
    last = talk.flush("<").read()
    assert (last.turns, last.unanswered, last.last_words) == (2, False, "GOAWAY")


def test_a_stream_that_is_refused_is_no_answer() -> None:
    talk = Http2().asks()
    talk.theirs.reset_stream(1, ErrorCodes.REFUSED_STREAM)
    records = talk.flush("<").read()
    assert (records.unanswered, records.last_words) == (True, "RST_STREAM")


def test_a_close_instead_of_an_answer_is_told_over_tls() -> None:
    assert Talk().says(">", REQUEST).ended(*SERVER_CLOSES).cause == "closed-unanswered"
    assert Talk(tickets=2).says(">", REQUEST).ended(*SERVER_CLOSES).cause == "closed-unanswered"
    assert Http2().asks().ended(*SERVER_CLOSES).cause == "closed-unanswered"
    for answered in (Talk(tickets=2).says(">", REQUEST).says("<", ANSWER), Http2().asks().answers()):
        assert answered.ended(*SERVER_CLOSES).cause == "orderly-close"


def names(finding: Finding) -> set[str]:
    return {match.scenario for match in finding.scenarios}


def test_scenarios_that_the_records_contradict_are_left_out() -> None:
    talk = Talk("1.2").says(">", REQUEST).says("<", ANSWER)
    assert "tls12-fin-mid-body" in names(talk.ended(*SERVER_CLOSES))
    assert not {"tls13-fin-mid-body", "tls12-normal", "h2-normal"} & names(talk.ended(*SERVER_CLOSES))
    assert "tls12-normal" in names(talk.takes_leave("<").ended(*SERVER_CLOSES))
    assert "tls12-fin-mid-body" not in names(talk.ended(*SERVER_CLOSES))


def test_over_http_2_the_last_words_rank_the_scenarios() -> None:
    talk = Http2().asks().answers()
    plain = talk.ended(*SERVER_CLOSES)
    assert {"h2-normal", "h2-tcp-fin-mid-stream"} <= {m.scenario for m in plain.scenarios if not m.distance}
    assert all(name.startswith("h2-") for name in names(plain))
    talk.theirs.close_connection()
    assert talk.flush("<").ended(*SERVER_CLOSES).scenarios[0] == ("h2-reuse-after-goaway", 0)


def test_without_the_servers_side_nothing_is_claimed() -> None:
    talk = Talk().says(">", REQUEST)
    talk.sent = [(who, data) for who, data in talk.sent if who == ">"]
    records = talk.read()
    assert (records.ready, records.h2_offered) == (False, False)


def test_of_a_snapped_hello_nothing_is_claimed() -> None:
    hello = Talk(alpn=("h2",)).sent[0][1]
    records = Records()
    records.plaintext("orig", hello[:60], whole=False)
    records.plaintext("orig", hello[60:], whole=True)
    assert records.h2_offered is None


@given(
    st.lists(
        st.tuples(st.sampled_from(["orig", "resp"]), st.integers(0, 255), st.integers(0, 2**14 + 256), st.binary()),
        max_size=20,
    )
)
def test_anything_is_survived(said: list[tuple[By, int, int, bytes]]) -> None:
    records = Records()
    for by, kind, length, data in said:
        records.plaintext(by, data, whole=True)
        records.record(by, kind, length)
    assert records.turns >= 0
