"""What a plain socket client sees of each step, whether the peer or a child process owns the socket."""

from __future__ import annotations

import socket
import struct

import pytest
from peer_driver import (
    CLOSE_WAIT,
    CLOSED,
    GET,
    POST,
    Connect,
    Json,
    Peer,
    await_state,
    logged,
    read_all,
    read_exactly,
    step,
)

from hangup_server import hold
from hangup_server.http import body, response_head

HEAD, BODY = step("send head", length=1024), step("send body", bytes=512)
RESPONSE = response_head(length=1024) + body(512)
RECV, CLOSE, RESET, SHUTDOWN = step("recv request"), step("close"), step("reset"), step("shutdown")


@pytest.fixture(params=[False, True], ids=["own", "process"])
def accept(request: pytest.FixtureRequest) -> Json:
    return step("accept", process=request.param)


@pytest.fixture
def port(peer: Peer) -> int:
    return peer.open()


# Endings


def test_close_of_what_was_read_is_fin(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port, data=GET)
    peer.run(accept, RECV, CLOSE)
    assert client.recv(10) == b""
    assert client.recv(10) == b"", "end of stream stays"


@pytest.mark.parametrize("read", [step("recv head"), step("recv", bytes=20)], ids=["head", "bytes"])
def test_close_with_a_part_unread_is_rst(peer: Peer, port: int, connect: Connect, accept: Json, read: Json) -> None:
    client = connect(port, data=POST)
    peer.run(accept, step("await request"), read, CLOSE)
    with pytest.raises(ConnectionResetError):
        client.recv(10)


def test_the_client_s_reset_is_awaited(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port, data=GET)
    peer.run(accept, RECV)
    number = peer.start("run", trial="t", steps=[step("await reset")])
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert peer.wait(number)["ok"]


def test_reset_is_told_once_to_a_reader(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port, data=GET)
    peer.run(accept, RECV, RESET)
    with pytest.raises(ConnectionResetError):
        client.recv(10)
    assert client.recv(10) == b""
    with pytest.raises(BrokenPipeError):
        client.send(b"x")


def test_reset_is_told_once_to_a_writer(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port, data=GET)
    peer.run(accept, RECV, RESET)
    await_state(client, CLOSED)
    with pytest.raises(ConnectionResetError):
        client.send(b"x")
    with pytest.raises(BrokenPipeError):
        client.send(b"x")


def test_what_was_sent_before_a_reset_is_read(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port, data=GET)
    peer.run(accept, RECV, HEAD, BODY, RESET)
    await_state(client, CLOSED)
    assert client.recv(1 << 16) == RESPONSE
    with pytest.raises(ConnectionResetError):
        client.recv(10)


def test_first_write_after_fin_succeeds_and_draws_rst(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port, data=GET)
    peer.run(accept, RECV, CLOSE)
    await_state(client, CLOSE_WAIT)
    assert client.send(b"x") == 1
    await_state(client, CLOSED)
    with pytest.raises(BrokenPipeError):
        client.send(b"x")


def test_rst_behind_fin_is_broken_pipe(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port, data=GET)
    peer.run(accept, RECV, SHUTDOWN, RESET)
    await_state(client, CLOSED)
    assert client.recv(10) == b""
    with pytest.raises(BrokenPipeError):
        client.send(b"x")


def test_shutdown_ends_one_side_only(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    peer.run(accept, HEAD, BODY, SHUTDOWN, step("drained"))
    assert read_all(client) == RESPONSE
    client.sendall(GET)
    peer.run(RECV)
    client.shutdown(socket.SHUT_WR)
    peer.run(step("recv end"))
    assert peer.close()[0]["events"][-2:] == [f"recv request {len(GET)}", "recv end 0"]


def test_shutdown_of_reading_is_not_told(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    peer.run(accept, step("shutdown", side="read"), HEAD, BODY)
    assert read_exactly(client, len(RESPONSE)) == RESPONSE
    client.sendall(GET)


# The listener


def test_stop_listening_refuses(peer: Peer, port: int, connect: Connect) -> None:
    peer.run(step("stop listening"))
    with pytest.raises(ConnectionRefusedError):
        connect(port)


def test_stop_listening_resets_what_is_not_accepted(peer: Peer, port: int, connect: Connect) -> None:
    number = peer.start("run", trial="t", steps=[step("await connection")])
    assert not peer.call("run", trial="t", steps=[])["ok"], "it waits while there is none"
    client = connect(port)
    assert peer.wait(number) == {"id": number, "ok": True}
    peer.run(step("stop listening"))
    with pytest.raises(ConnectionResetError):
        client.recv(10)


def test_stop_listening_spares_what_is_accepted(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    peer.run(accept, step("stop listening"), HEAD, BODY, CLOSE)
    assert read_all(client) == RESPONSE


# Reading


def test_a_request_is_read_and_not_a_byte_behind_it(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port, data=POST + b"more")
    peer.run(accept, step("await request", bytes=len(POST) + 4), RECV)
    peer.run(step("recv", bytes=4))
    log = peer.close()[0]
    assert log["read"] == len(POST) + 4
    assert log["requests"][0] == logged("POST", "/form", len(POST))
    assert read_all(client) == b"", "all was read: the trial's end is a FIN"


def test_a_request_in_small_pieces(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    number = peer.start("run", trial="t", steps=[accept, RECV])
    for byte in POST:
        client.send(bytes([byte]))
    assert peer.wait(number)["ok"]
    assert [request["bytes"] for request in peer.close()[0]["requests"]] == [len(POST)]


def test_a_body_of_megabytes(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    number = peer.start("run", trial="t", steps=[accept, RECV, CLOSE])
    size = 5_000_000
    client.sendall(f"PUT / HTTP/1.1\r\nContent-Length: {size}\r\n\r\n".encode() + body(size))
    assert peer.wait(number)["ok"]
    assert read_all(client) == b""
    assert peer.close()[0]["requests"][0]["complete"]


def test_head_first_then_the_rest(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    client = connect(port, data=head)
    peer.run(accept, step("recv head"), step("send head", status=100))
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"3\r\nabc\r\n0\r\n\r\n")
    peer.run(RECV)
    log = peer.close()[0]
    assert log["requests"] == [logged("POST", "/", len(head) + 13)]
    assert log["events"] == ["accept", f"recv head {len(head)}", "send 25", f"recv request {len(head) + 13}"]


def test_two_requests_on_one_connection(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port, data=GET)
    peer.run(accept, RECV, step("send head", length=0))
    client.sendall(POST)
    peer.run(RECV, step("send head", length=0), CLOSE)
    assert read_all(client) == response_head(length=0) * 2
    assert [request["method"] for request in peer.close()[0]["requests"]] == ["GET", "POST"]


def test_bytes_count_as_parts_of_requests(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    connect(port, data=GET + POST)
    peer.run(accept, step("recv", bytes=len(GET) + 10))
    assert peer.close()[0]["requests"] == [
        logged("GET", "/page", len(GET)),
        logged("", "", 10, complete=False),
    ]


def test_what_is_not_http_is_read_by_the_byte(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port, data=b"hello\r\nworld\r\n")
    peer.run(accept, step("recv", bytes=14))
    client.sendall(b"bye")
    client.shutdown(socket.SHUT_WR)
    peer.run(step("recv end"))
    log = peer.close()[0]
    assert (log["read"], log["requests"]) == (17, [])


def test_a_request_that_is_not_http_fails(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    connect(port, data=b"hello\r\n")
    assert peer.fails(accept, RECV) == "recv request: what the client sent is not HTTP"
    peer.run(step("recv", bytes=7))


def test_awaited_bytes_stay_unread(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port, data=POST[:20])
    number = peer.start("run", trial="t", steps=[accept, step("await request")])
    assert peer.fails(CLOSE).startswith("the batch before has not ended")
    client.sendall(POST[20:])
    assert peer.wait(number)["ok"]
    peer.run(RECV, CLOSE)
    assert peer.close()[0]["events"] == [
        "accept",
        f"await request {len(POST)}",
        f"recv request {len(POST)}",
        "close",
    ]


@pytest.mark.parametrize("wanted", [{}, {"bytes": 100}], ids=["request", "bytes"])
def test_awaited_bytes_that_cannot_come(peer: Peer, port: int, connect: Connect, accept: Json, wanted: Json) -> None:
    client = connect(port, data=POST[:20])
    client.shutdown(socket.SHUT_WR)
    assert "with 20 bytes unread" in peer.fails(accept, step("await request", **wanted))


@pytest.mark.parametrize("read", [RECV, step("recv head"), step("recv", bytes=100)], ids=lambda read: read["step"])
def test_a_client_that_ends_too_early(peer: Peer, port: int, connect: Connect, accept: Json, read: Json) -> None:
    connect(port, data=POST[:20]).close()
    assert peer.fails(accept, read).startswith(f"{read['step']}: the client ended its side after 20 ")


def test_a_client_that_resets(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    why = "ECONNRESET (Connection reset by peer)"
    assert peer.fails(accept, step("recv end")) == f"recv end: {why}"
    assert peer.close()[0]["events"] == ["accept", f"recv end failed: {why}"]


def test_what_has_arrived_is_read_and_nothing_is_awaited(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port, data=POST)
    peer.run(accept, step("await request"), step("recv", bytes=20), step("recv arrived"), step("recv arrived"), CLOSE)
    assert client.recv(10) == b"", "nothing was left unread"
    events = peer.close()[0]["events"]
    assert events[-3:] == [f"recv arrived {len(POST) - 20}", "recv arrived 0", "close"]


@pytest.mark.parametrize("abort", [False, True], ids=["fin", "rst"])
def test_lingering_ends_with_the_client(peer: Peer, port: int, connect: Connect, accept: Json, abort: bool) -> None:
    client = connect(port, data=POST)
    peer.run(accept, HEAD, BODY, SHUTDOWN)
    assert read_all(client) == RESPONSE
    number = peer.start("run", trial="t", steps=[step("linger"), CLOSE])
    client.sendall(POST)
    if abort:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert peer.wait(number)["ok"]
    log = peer.close()[0]
    assert log["events"][-2:] == [f"linger {log['read']}", "close"]
    assert abort or log["read"] == 2 * len(POST)


def test_the_first_connection_is_served_like_a_further_one(peer: Peer, connect: Connect, accept: Json) -> None:
    port = peer.open(steps_for_further=[RECV, step("send head", length=0), CLOSE])
    client = connect(port, data=GET)
    peer.run(accept, RECV, HEAD, BODY, step("serve"))
    assert read_exactly(client, len(RESPONSE)) == RESPONSE
    client.sendall(GET)
    assert read_all(client) == response_head(length=0)
    assert read_all(connect(port, data=GET)) == response_head(length=0)


def test_serving_waits_for_nothing_and_forgives_a_client_that_has_gone(
    peer: Peer, connect: Connect, accept: Json
) -> None:
    client = connect(peer.open(steps_for_further=[RECV, CLOSE]), data=GET)
    peer.run(accept, RECV, step("serve"))
    client.close()
    assert peer.close()[0]["requests"][0]["complete"]


# Sending


def data_segments(client: socket.socket) -> int:
    """Segments with data that the client's kernel has received (tcpi_data_segs_in of struct tcp_info)."""
    count: int = struct.unpack_from("I", client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160), 152)[0]
    return count


@pytest.mark.parametrize(
    ("steps", "segments"),
    [
        pytest.param([HEAD, BODY, step("send", text="x")], 1, id="together"),
        pytest.param([{**HEAD, "flush": True}, BODY, step("send", text="x")], 2, id="flushed"),
        pytest.param([HEAD, step("drained"), BODY, step("pause", ms=1), step("send", text="x")], 3, id="divided"),
        pytest.param([HEAD, BODY, step("send", text="x", with_fin=True)], 1, id="with-the-fin"),
    ],
)
def test_segments(peer: Peer, port: int, connect: Connect, accept: Json, steps: list[Json], segments: int) -> None:
    client = connect(port)
    peer.run(accept, *steps, CLOSE)
    assert read_all(client) == RESPONSE + b"x"
    assert data_segments(client) == segments
    assert peer.close()[0]["sent"] == len(RESPONSE) + 1


def test_a_part_of_a_head(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    peer.run(accept, {**HEAD, "bytes": 20}, CLOSE)
    assert read_all(client) == RESPONSE[:20]


def test_bytes_that_wait_for_the_fin_share_its_segment(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    peer.run(accept, {**HEAD, "with_fin": True}, step("pause", ms=1), SHUTDOWN)
    await_state(client, CLOSE_WAIT)
    segments = struct.unpack_from("I", client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160), 140)[0]
    assert segments == 2, "the SYN/ACK, and then one more"


def test_the_rest_of_a_head(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    peer.run(accept, {**HEAD, "bytes": 20}, step("drained"), {**HEAD, "offset": 20}, CLOSE)
    assert read_all(client) == response_head(length=1024)


def test_a_chunked_body(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    chunks = step("send chunk", bytes=3), step("send chunk", bytes=2, of=5), step("send last chunk")
    peer.run(accept, *chunks, CLOSE)
    assert read_all(client) == b"3\r\n012\r\n" + b"5\r\n01" + b"0\r\n\r\n"


def test_a_body_from_an_offset(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    peer.run(accept, step("send body", bytes=10), step("send body", bytes=90, offset=10), CLOSE)
    assert read_all(client) == body(100)


def test_sending_more_than_the_buffers_hold(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    size = 20_000_000
    number = peer.start("run", trial="t", steps=[accept, step("send body", bytes=size), CLOSE])
    assert read_all(client) == body(size)
    assert peer.wait(number)["ok"]
    assert peer.close()[0]["events"] == ["accept", f"send {size}", "close"]


def test_a_client_that_vanishes_while_it_is_sent_to(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    client = connect(port)
    size = 20_000_000
    number = peer.start("run", trial="t", steps=[accept, step("send body", bytes=size)])
    client.recv(1)
    client.close()
    assert peer.wait(number)["why"].startswith(("send body: ECONNRESET", "send body: EPIPE"))
    log = peer.close()[0]
    assert 0 < log["sent"] < size
    assert log["events"][1] == f"send {log['sent']} of {size}"


@pytest.mark.skipif(not hold.works(), reason="socket filters need Linux, and CAP_NET_ADMIN on some kernels")
@pytest.mark.parametrize("sent", [BODY, SHUTDOWN], ids=["data", "fin"])
def test_drained_waits_for_the_acknowledgement(
    peer: Peer, port: int, connect: Connect, accept: Json, sent: Json
) -> None:
    client = connect(port)
    peer.run(accept)
    hold.hold(client, everything=True)
    peer.run(sent)
    number = peer.start("run", trial="t", steps=[step("drained")])
    for _ in range(5):
        assert not peer.call("run", trial="t", steps=[])["ok"], "it waits while nothing is acknowledged"
    hold.release(client)
    assert peer.wait(number)["ok"]


# Steps that cannot be done


@pytest.mark.parametrize("ending", [CLOSE, RESET], ids=lambda ending: ending["step"])
def test_nothing_can_be_done_after_the_end(peer: Peer, port: int, connect: Connect, accept: Json, ending: Json) -> None:
    connect(port)
    assert peer.fails(accept, ending, HEAD) == "send head: the peer has ended this connection already"


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([RECV], "recv request: no connection is accepted yet"),
        ([step("kill")], "kill: no connection is accepted yet"),
        ([step("serve")], "serve: no connection is accepted yet"),
        ([step("stop listening"), step("accept")], "accept: the peer does not listen any more"),
    ],
)
def test_steps_that_come_too_early_or_late(peer: Peer, port: int, steps: list[Json], why: str) -> None:
    assert port
    assert peer.fails(*steps) == why


def test_a_trial_accepts_once(peer: Peer, port: int, connect: Connect, accept: Json) -> None:
    connect(port)
    peer.run(accept)
    assert peer.fails(accept).startswith("accept: from the first accept on")
