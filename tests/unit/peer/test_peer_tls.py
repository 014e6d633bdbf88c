"""The peer's TLS, as Python's own ssl meets it: handshakes, records, alerts, and endings in the middle of each."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from peer_driver import GET, POST, Connect, Peer, logged, read_all, read_exactly, running_peer, step

from hangup.labs.certificates import Certificates
from hangup_server.http import body, response_head

HELLO = step("recv hello")
HEAD = response_head(length=1024)
RECORD = 5
"""Bytes of a record's header."""

Secure = Callable[[socket.socket], ssl.SSLSocket]


@pytest.fixture
def peer(tls_peer: Peer) -> Peer:
    return tls_peer


@pytest.fixture
def trusting(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificates.ca)


@pytest.fixture
def secure(trusting: ssl.SSLContext) -> Iterator[Secure]:
    """Wraps a socket as a client that shakes hands when it first reads or writes."""
    made: list[ssl.SSLSocket] = []

    def wrap(sock: socket.socket) -> ssl.SSLSocket:
        made.append(trusting.wrap_socket(sock, server_hostname="127.0.0.1", do_handshake_on_connect=False))
        return made[-1]

    yield wrap
    for sock in made:
        sock.close()


def handshake(peer: Peer, client: ssl.SSLSocket, version: str = "1.3", *before: dict[str, object]) -> None:
    running = peer.start("run", trial="t", steps=[step("accept"), *before, step("handshake", version=version)])
    client.do_handshake()
    assert peer.wait(running)["ok"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("before", [[], [HELLO]], ids=["at-once", "after-the-hello"])
def test_an_exchange(
    peer: Peer, connect: Connect, secure: Secure, version: str, before: list[dict[str, object]]
) -> None:
    client = secure(connect(peer.open()))
    handshake(peer, client, version, *before)
    assert client.version() == f"TLSv{version}"
    client.sendall(GET)
    peer.run(step("recv request"), step("send head", length=1024), step("send body", bytes=1024))
    assert read_exactly(client, len(HEAD) + 1024) == HEAD + body(1024)
    (log,) = peer.close()
    assert (log["read"], log["sent"]) == (len(GET), len(HEAD) + 1024)
    assert log["wire"] > log["sent"]
    assert log["requests"] == [logged("GET", "/page", len(GET), answered=200)]


def test_requests_in_one_record_are_told_apart(peer: Peer, connect: Connect, secure: Secure) -> None:
    client = secure(connect(peer.open()))
    handshake(peer, client)
    client.sendall(POST + GET)
    peer.run(step("recv head"), step("recv request"), step("recv request"))
    assert [entry["method"] for entry in peer.close()[0]["requests"]] == ["POST", "GET"]


def test_a_request_in_many_records_is_one(peer: Peer, connect: Connect, secure: Secure) -> None:
    client = secure(connect(peer.open()))
    handshake(peer, client)
    for byte in POST:
        client.sendall(bytes([byte]))
    peer.run(step("recv", bytes=3), step("recv request"))
    assert peer.close()[0]["events"][-2:] == ["recv 3", f"recv request {len(POST)}"]


def test_what_comes_behind_the_request_stays_unread(peer: Peer, connect: Connect, secure: Secure) -> None:
    """The kernel turns the close into a RST, as it does without TLS."""
    client = secure(connect(peer.open()))
    handshake(peer, client)
    client.sendall(GET)
    client.sendall(GET)
    peer.run(step("recv request"), step("close"))
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET


def test_fin_is_no_close_notify(peer: Peer, connect: Connect, secure: Secure) -> None:
    client = secure(connect(peer.open()))
    handshake(peer, client)
    client.sendall(GET)
    peer.run(step("recv request"), step("send body", bytes=5), step("close"))
    assert client.recv(100) == body(5)
    client.suppress_ragged_eofs = False
    with pytest.raises(ssl.SSLEOFError):
        client.recv(1)


def test_close_notify_is_the_end_of_the_stream(peer: Peer, connect: Connect, secure: Secure) -> None:
    client = secure(connect(peer.open()))
    handshake(peer, client)
    client.suppress_ragged_eofs = False
    peer.run(step("send body", bytes=5), step("close notify"))
    assert client.recv(100) == body(5)
    assert client.recv(100) == b""


def test_the_clients_close_notify_is_its_end(peer: Peer, connect: Connect, secure: Secure) -> None:
    client = secure(connect(peer.open()))
    handshake(peer, client)
    running = peer.start("run", trial="t", steps=[step("recv end"), step("close notify")])
    client.sendall(b"bye")
    client.unwrap()
    assert peer.wait(running)["ok"]
    assert peer.close()[0]["events"][-2:] == ["recv end 3", "close notify"]


def test_reset_in_the_middle_of_a_record(peer: Peer, connect: Connect, secure: Secure) -> None:
    raw = connect(peer.open())
    client = secure(raw)
    handshake(peer, client)
    peer.run(step("send half record", bytes=512))
    plain = socket.socket(fileno=client.detach())
    with plain:
        header = read_exactly(plain, RECORD)
        whole = int.from_bytes(header[3:], "big")
        assert whole > 512
        rest = (RECORD + whole) // 2 - RECORD
        read_exactly(plain, rest)
        peer.run(step("reset"))
        with pytest.raises(ConnectionResetError):
            plain.recv(1)
    assert peer.close()[0]["sent"] == 0


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_server_hello_alone(peer: Peer, connect: Connect, trusting: ssl.SSLContext, version: str) -> None:
    client = connect(peer.open())
    session, incoming, outgoing = _client(trusting)
    client.sendall(outgoing.read())
    peer.run(step("accept"), HELLO, step("send hello", version=version), step("close"))
    flight = read_all(client)
    assert flight[0] == 22
    assert len(flight) == RECORD + int.from_bytes(flight[3:RECORD], "big")
    incoming.write(flight)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()


def _client(context: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    """A client without a socket, with its ClientHello written."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return session, incoming, outgoing


def test_an_alert(peer: Peer, connect: Connect, secure: Secure) -> None:
    client = secure(connect(peer.open()))
    running = peer.start("run", trial="t", steps=[step("accept"), HELLO, step("send alert")])
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        client.do_handshake()
    assert peer.wait(running)["ok"]


def test_plain_words_in_answer_to_the_hello(peer: Peer, connect: Connect, secure: Secure) -> None:
    client = secure(connect(peer.open()))
    running = peer.start("run", trial="t", steps=[step("accept"), HELLO, step("send head", status=400)])
    with pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
        client.do_handshake()
    assert peer.wait(running)["ok"]


def test_each_connection_has_tls_of_its_own(peer: Peer, connect: Connect, secure: Secure) -> None:
    port = peer.open(steps_for_further=[step("handshake", version="1.2"), step("send body", bytes=3)])
    handshake(peer, secure(connect(port)))
    further = secure(connect(port))
    assert read_exactly(further, 3) == body(3)
    assert further.version() == "TLSv1.2"


def test_a_child_speaks_tls(peer: Peer, connect: Connect, secure: Secure) -> None:
    if "process" not in peer.hello["can"]:
        pytest.skip("no processes here")
    client = secure(connect(peer.open()))
    steps = [step("accept", process=True), step("handshake"), step("send body", bytes=3)]
    running = peer.start("run", trial="t", steps=steps)
    assert read_exactly(client, 3) == body(3)
    answer = peer.wait(running)
    assert answer["wire"] > 3
    peer.run(step("kill"))
    assert client.recv(1) == b""


REFUSED = {
    "close notify": ([step("close notify")], "there is no TLS session yet"),
    "half a record": ([step("send half record", bytes=9)], "there is no TLS session yet"),
    "twice": ([HELLO, step("send hello"), step("handshake")], "was begun before"),
    "an alert too late": ([HELLO, step("send hello"), step("send alert")], "in answer to the ClientHello"),
}


@pytest.mark.parametrize(("steps", "why"), REFUSED.values(), ids=REFUSED)
def test_a_step_out_of_its_place(
    peer: Peer, connect: Connect, trusting: ssl.SSLContext, steps: list[dict[str, object]], why: str
) -> None:
    client = connect(peer.open())
    client.sendall(_client(trusting)[2].read())
    assert why in peer.fails(step("accept"), *steps)


def test_what_is_no_tls_is_said(peer: Peer, connect: Connect) -> None:
    connect(peer.open(), data=GET)
    assert "what the client sent is not TLS" in peer.fails(step("accept"), step("handshake"))


def test_a_client_that_goes_in_the_handshake(peer: Peer, connect: Connect, trusting: ssl.SSLContext) -> None:
    client = connect(peer.open())
    client.sendall(_client(trusting)[2].read())
    client.shutdown(socket.SHUT_WR)
    assert "ended its side in the handshake" in peer.fails(step("accept"), step("handshake"))


def test_a_client_that_trusts_nobody(peer: Peer, connect: Connect) -> None:
    client = ssl.create_default_context().wrap_socket(
        connect(peer.open()), server_hostname="127.0.0.1", do_handshake_on_connect=False
    )
    running = peer.start("run", trial="t", steps=[step("accept"), step("handshake")])
    with client, pytest.raises(ssl.SSLCertVerificationError):
        client.do_handshake()
    assert "UNKNOWN_CA" in peer.wait(running)["why"]


def test_without_a_certificate_the_handshake_says_so(connect: Connect, trusting: ssl.SSLContext) -> None:
    with running_peer() as bare:
        client = connect(bare.open())
        client.sendall(_client(trusting)[2].read())
        assert "HANGUP_CERTIFICATE is not set" in bare.fails(step("accept"), step("handshake"))


@pytest.mark.parametrize(("version", "label"), [("1.2", "CLIENT_RANDOM"), ("1.3", "CLIENT_TRAFFIC_SECRET_0")])
def test_the_keys_are_kept_for_those_who_read_the_capture(
    connect: Connect, secure: Secure, certificates: Certificates, tmp_path: Path, version: str, label: str
) -> None:
    keys = tmp_path / "keys.txt"
    with running_peer(certificate=certificates.peer, keys=keys) as logging:
        handshake(logging, secure(connect(logging.open())), version)
        assert label in [line.split()[0] for line in keys.read_text().splitlines() if line]


def test_keys_that_cannot_be_kept_are_told(
    connect: Connect, trusting: ssl.SSLContext, certificates: Certificates, tmp_path: Path
) -> None:
    keys = tmp_path / "missing" / "keys.txt"
    with running_peer(certificate=certificates.peer, keys=keys) as logging:
        client = connect(logging.open())
        client.sendall(_client(trusting)[2].read())
        why = logging.fails(step("accept"), step("handshake"))
    assert why.endswith(f"SSLKEYLOGFILE: {keys}: cannot be written: No such file or directory")
