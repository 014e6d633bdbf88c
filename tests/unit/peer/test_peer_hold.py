"""Data held at the door: not delivered, not acknowledged, counted, and delivered when it is let in."""

from __future__ import annotations

import errno
import socket

import pytest
from peer_driver import CLOSE_WAIT, GET, Connect, Json, Peer, await_state, read_all, step

from hangup_server import hold

HOLD, HELD, RELEASE = step("hold data"), step("await held data"), step("release data")
RECV, CLOSE, ACCEPT = step("recv request"), step("close"), step("accept")

ESTABLISHED, SYN_SENT = 1, 2  # include/net/tcp_states.h

pytestmark = pytest.mark.skipif(not hold.works(), reason="socket filters need Linux, and CAP_NET_ADMIN on some kernels")


def tcp_state(sock: socket.socket) -> int:
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


@pytest.fixture(params=["127.0.0.1", "::1"])
def host(request: pytest.FixtureRequest) -> str:
    host: str = request.param
    return host


@pytest.mark.parametrize("process", [False, True], ids=["own", "process"])
def test_held_from_the_listener_on(peer: Peer, connect: Connect, host: str, process: bool) -> None:
    port = peer.open(host=host)
    peer.run(HOLD)
    client = connect(port, host, data=GET)
    peer.run(step("accept", process=process), HELD, RELEASE, RECV, step("send head", length=0), CLOSE)
    assert read_all(client).startswith(b"HTTP/1.1 200")
    assert peer.close()[0]["events"] == [
        "accept", "await held data", "release data", f"recv request {len(GET)}", "send 38", "close",
    ]  # fmt: skip


def test_a_fin_gets_past_it(peer: Peer, connect: Connect, host: str) -> None:
    port = peer.open(host=host)
    peer.run(HOLD)
    client = connect(port, host, data=GET)
    peer.run(ACCEPT, HELD, CLOSE)
    await_state(client, CLOSE_WAIT)
    log = peer.close()[0]
    assert (log["read"], log["requests"]) == (0, [])


def test_held_on_a_connection_that_is_used(peer: Peer, connect: Connect) -> None:
    client = connect(peer.open(), data=GET)
    peer.run(ACCEPT, RECV, HOLD)
    client.sendall(GET)
    peer.run(HELD, RELEASE, RECV)
    assert [request["complete"] for request in peer.close()[0]["requests"]] == [True, True]


def test_unread_data_from_before_the_hold_does_not_count(peer: Peer, connect: Connect) -> None:
    client = connect(peer.open(), data=GET)
    peer.run(ACCEPT, step("await request"))
    peer.run(HOLD)
    client.sendall(GET)
    peer.run(HELD)


def test_waiting_for_held_data_that_was_let_in_fails(peer: Peer, connect: Connect) -> None:
    connect(peer.open(), data=GET)
    why = peer.fails(ACCEPT, step("await request"), HELD)
    assert why == "await held data: data had come in before it was held"


def test_hold_all_keeps_a_fin_out(peer: Peer, connect: Connect) -> None:
    client = connect(peer.open(), data=GET)
    peer.run(ACCEPT, RECV, step("hold all"))
    client.shutdown(socket.SHUT_WR)
    number = peer.start("run", trial="t", steps=[step("recv end")])
    assert not peer.call("run", trial="t", steps=[])["ok"], "no end of stream has come"
    peer.close()
    assert peer.wait(number)["why"] == "the trial was closed"


@pytest.mark.parametrize(
    ("further", "events"),
    [
        pytest.param([RECV], ["accept", f"recv request {len(GET)}"], id="let-in"),
        pytest.param([HOLD, ACCEPT, HELD], ["accept", "await held data"], id="held-again"),
        pytest.param([HELD], ["accept", "await held data"], id="held-by-implication"),
    ],
)
def test_further_connections_are_held_only_if_their_steps_say_so(
    peer: Peer, connect: Connect, further: list[Json], events: list[str]
) -> None:
    port = peer.open(steps_for_further=[*further, step("reset")])
    peer.run(HOLD)
    connect(port, data=GET)
    # Both are established before the peer accepts, so the second has inherited the filter; the third comes later.
    second = connect(port, data=GET)
    peer.run(ACCEPT, HELD)
    third = connect(port, data=GET)
    for client in (second, third):
        with pytest.raises(ConnectionResetError):
            client.recv(10)
    assert [entry["events"] for entry in peer.close()[1:]] == [[*events, "reset"]] * 2


def test_a_held_handshake_does_not_reach_the_queue(peer: Peer, connect: Connect) -> None:
    """The client has its SYN/ACK and believes itself connected; the peer has no connection until it lets go."""
    port = peer.open()
    peer.run(step("hold handshake"))
    client = connect(port, data=GET)
    number = peer.start("run", trial="t", steps=[ACCEPT])
    assert not peer.call("run", trial="t", steps=[])["ok"], "nothing is there to accept"
    peer.close()
    assert peer.wait(number)["why"] == "the trial was closed"
    client.close()


def test_a_full_queue_drops_syns_and_is_no_connection_of_the_client_s(peer: Peer) -> None:
    port = peer.open()
    peer.run(step("fill queue"))
    with socket.socket() as client:
        client.setblocking(False)
        assert client.connect_ex(("127.0.0.1", port)) == errno.EINPROGRESS
        assert tcp_state(client) == SYN_SENT, "with room in the queue, loopback has connected by now"
        assert peer.close() == []


def test_a_vanished_connection_sends_nothing_and_answers_with_rst(peer: Peer, connect: Connect) -> None:
    client = connect(peer.open(), data=GET)
    peer.run(ACCEPT, RECV, step("vanish"))
    assert tcp_state(client) == ESTABLISHED
    client.sendall(GET)
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert peer.close()[0]["events"] == ["accept", f"recv request {len(GET)}", "vanish"]
