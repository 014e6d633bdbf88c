"""The peer's HTTP/2, as the library h2 meets it from the other side."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import h2.config
import h2.connection
import h2.events
import pytest
from peer_driver import Connect, Json, Peer, logged, step

from hangup.labs.certificates import Certificates
from hangup_server import hold
from hangup_server.http import body

H2 = step("handshake", protocol="h2")
RECV = step("recv request")
RESPONSE = (step("send head", length=1024), step("send body", bytes=1024))


@pytest.fixture
def peer(tls_peer: Peer) -> Peer:
    return tls_peer


class Client:
    """A client that asks and listens, one thing at a time."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._sock = sock
        self._connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._connection.initiate_connection()
        self._events: list[h2.events.Event] = []
        self._flush()

    def ask(self, method: str = "GET", data: bytes = b"") -> int:
        stream = self._connection.get_next_available_stream_id()
        fields = [(":method", method), (":path", "/page"), (":scheme", "https"), (":authority", "peer")]
        self._connection.send_headers(stream, fields, end_stream=not data)
        if data:
            self._connection.send_data(stream, data, end_stream=True)
        self._flush()
        return stream

    def until(self, kind: type[h2.events.Event]) -> list[h2.events.Event]:
        """All events up to the first one of this kind. Raises EOFError at the end of the connection."""
        while not any(isinstance(event, kind) for event in self._events):
            data = self._sock.recv(1 << 16)
            if not data:
                raise EOFError
            self._events += self._connection.receive_data(data)
            self._flush()
        at = next(i for i, event in enumerate(self._events) if isinstance(event, kind))
        happened, self._events = self._events[: at + 1], self._events[at + 1 :]
        return happened

    def response(self) -> tuple[str, bytes]:
        happened = self.until(h2.events.StreamEnded)
        (head,) = (event for event in happened if isinstance(event, h2.events.ResponseReceived))
        data = b"".join(event.data for event in happened if isinstance(event, h2.events.DataReceived))
        return dict(head.headers)[":status"], data

    def ping(self) -> None:
        self._connection.ping(b"12345678")
        self._flush()

    def _flush(self) -> None:
        self._sock.sendall(self._connection.data_to_send())


@pytest.fixture
def client(peer: Peer, connect: Connect, certificates: Certificates) -> Iterator[Client]:
    """Shaken hands with; the peer has begun to speak."""
    context = ssl.create_default_context(cafile=certificates.ca)
    context.set_alpn_protocols(["h2", "http/1.1"])
    running_steps = [step("accept"), H2]
    raw = connect(peer.open())
    running = peer.start("run", trial="t", steps=running_steps)
    with context.wrap_socket(raw, server_hostname="127.0.0.1") as sock:
        assert peer.wait(running)["ok"]
        assert sock.selected_alpn_protocol() == "h2"
        yield Client(sock)


def answered(peer: Peer, client: Client, *steps: Json) -> None:
    """Runs steps while the client does what the peer may wait for: acknowledge its settings."""
    running = peer.start("run", trial="t", steps=list(steps))
    client.until(h2.events.RemoteSettingsChanged)
    answer = peer.wait(running)
    assert answer["ok"], answer


def test_an_exchange(peer: Peer, client: Client) -> None:
    client.ask()
    answered(peer, client, RECV, *RESPONSE)
    assert client.response() == ("200", body(1024))
    (log,) = peer.close()
    assert log["requests"] == [logged("GET", "/page", 0, answered=200)]
    assert log["events"][1:] == ["handshake", "recv request 0", f"send {log['sent']}"]


def test_a_post_is_whole_with_its_body(peer: Peer, client: Client) -> None:
    client.ask("POST", b"hello")
    answered(peer, client, RECV)
    assert peer.close()[0]["requests"] == [logged("POST", "/page", 5)]


def test_one_after_the_other(peer: Peer, client: Client) -> None:
    client.ask()
    answered(peer, client, RECV, *RESPONSE)
    client.response()
    client.ask()
    peer.run(RECV, step("send head", status=503, length=0))
    assert client.response() == ("503", b"")


def test_a_ping_is_answered_while_the_peer_does_nothing(client: Client) -> None:
    client.ping()
    client.until(h2.events.PingAckReceived)


@pytest.mark.parametrize(("error", "number", "refused"), [("INTERNAL_ERROR", 2, False), ("REFUSED_STREAM", 7, True)])
def test_a_stream_is_reset(peer: Peer, client: Client, error: str, number: int, refused: bool) -> None:
    client.ask()
    answered(peer, client, RECV, step("reset stream", error=error))
    last = client.until(h2.events.StreamReset)[-1]
    assert isinstance(last, h2.events.StreamReset)
    assert last.error_code == number
    assert peer.close()[0]["requests"] == [logged("GET", "/page", 0, refused=refused)]


def test_requests_that_come_later_are_answered(peer: Peer, client: Client) -> None:
    client.ask()
    answered(peer, client, RECV, step("reset stream"), step("keep answering", length=9))
    client.until(h2.events.StreamReset)
    for _ in range(2):
        client.ask()
        assert client.response() == ("200", body(9))


def test_goaway_leaves_the_connection_open(peer: Peer, client: Client) -> None:
    client.ask()
    answered(peer, client, RECV, step("send goaway", last=1), *RESPONSE)
    happened = client.until(h2.events.ConnectionTerminated)
    last = happened[-1]
    assert isinstance(last, h2.events.ConnectionTerminated)
    assert (last.error_code, last.last_stream_id) == (0, 1)
    assert peer.close()[0]["requests"] == [logged("GET", "/page", 0, answered=200)], "one up to that number was not"


def test_a_request_above_goaways_number_was_refused(peer: Peer, client: Client) -> None:
    client.ask()
    answered(peer, client, RECV, step("send goaway", last=0))
    client.until(h2.events.ConnectionTerminated)
    assert peer.close()[0]["requests"] == [logged("GET", "/page", 0, refused=True)]


def test_fin_with_what_the_client_sends_of_its_own_accord_is_no_rst(peer: Peer, client: Client) -> None:
    client.ask()
    answered(peer, client, RECV, step("send goaway", last=0, with_fin=True), step("close"))
    client.until(h2.events.ConnectionTerminated)
    with pytest.raises(EOFError):
        client.until(h2.events.PingAckReceived)


REFUSED = {
    "nothing was asked": ([step("send body", bytes=1)], "no request was read yet"),
    "half a head": ([RECV, step("send head", bytes=3)], "HTTP/2 has whole heads"),
    "text": ([RECV, step("send", text="hello")], "HTTP/2 has whole heads"),
    "a response on a stream that was reset": ([RECV, step("reset stream"), *RESPONSE], "HTTP/2: "),
    "what reads by itself": ([RECV, step("recv", bytes=1)], "reads all the time by itself"),
    "a head of a request": ([step("recv head")], "reads all the time by itself"),
}


@pytest.mark.parametrize(("steps", "why"), REFUSED.values(), ids=REFUSED)
def test_what_http2_has_not(peer: Peer, client: Client, steps: list[Json], why: str) -> None:
    client.ask()
    client.until(h2.events.RemoteSettingsChanged)
    assert why in peer.fails(*steps)


def test_its_steps_need_it(peer: Peer, connect: Connect) -> None:
    connect(peer.open())
    assert "HTTP/2 is not spoken here" in peer.fails(step("accept"), step("reset stream"))


def test_a_client_that_does_not_offer_it(peer: Peer, connect: Connect, certificates: Certificates) -> None:
    context = ssl.create_default_context(cafile=certificates.ca)
    raw = connect(peer.open())
    running = peer.start("run", trial="t", steps=[step("accept"), H2])
    with context.wrap_socket(raw, server_hostname="127.0.0.1"):
        assert "the client did not offer h2" in peer.wait(running)["why"]


def test_a_client_that_says_something_else(peer: Peer, connect: Connect, certificates: Certificates) -> None:
    context = ssl.create_default_context(cafile=certificates.ca)
    context.set_alpn_protocols(["h2"])
    raw = connect(peer.open())
    running = peer.start("run", trial="t", steps=[step("accept"), H2, RECV])
    with context.wrap_socket(raw, server_hostname="127.0.0.1") as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: peer\r\n\r\n")
        assert "is not HTTP/2" in peer.wait(running)["why"]


@pytest.mark.skipif(not hold.works(), reason="to vanish needs the right that socket filters need")
def test_a_connection_that_vanished_is_not_waited_for(peer: Peer, client: Client, connect: Connect) -> None:
    """The peer's next connection may have the same file descriptor."""
    client.ask()
    answered(peer, client, RECV, step("vanish"))
    port = peer.open("next")
    running = peer.start("run", trial="next", steps=[step("accept"), step("recv", bytes=1)])
    further = connect(port)
    peer.call("log", trial="next")
    further.sendall(b"x")
    assert peer.wait(running)["ok"]
