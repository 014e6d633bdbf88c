"""The kernel's view of a connection, on real sockets of the loopback interface."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

if sys.platform != "linux":
    pytest.skip("sock_diag is Linux's", allow_module_level=True)

from hangup.labs.sockdiag import ESTABLISHED, Blocked, SocketDiag, SocketState, destroy, open_socket

CLOSE_WAIT, TIME_WAIT = 8, 6  # include/net/tcp_states.h
LOOKS = 1_000_000


@dataclass
class Pair:
    """A connection with both its ends here, and the client's kernel socket."""

    diag: SocketDiag
    client: socket.socket
    peer: socket.socket

    def __post_init__(self) -> None:
        self.local, self.remote = self.client.getsockname(), self.client.getpeername()

    def look(self) -> SocketState | None:
        return self.diag.look(self.local, self.remote)

    def until(self, condition: Callable[[SocketState | None], bool]) -> SocketState | None:
        """The first look that fulfils the condition: what was sent over loopback arrives when it arrives."""
        for _ in range(LOOKS):
            if condition(seen := self.look()):
                return seen
        raise AssertionError(f"never seen; at last: {seen}")

    def reset(self, end: socket.socket) -> None:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
    diag = SocketDiag.here()
    yield Pair(diag, client, peer)
    for each in (client, peer, diag):
        each.close()


def test_a_live_connection(pair: Pair) -> None:
    assert pair.look() == SocketState(ESTABLISHED, unread=0, unacknowledged=0, received=0)


def test_bytes_that_arrived_are_unread_until_they_are_read(pair: Pair) -> None:
    pair.peer.sendall(b"x" * 512)
    pair.until(lambda s: s is not None and (s.unread, s.received) == (512, 512))
    pair.client.recv(100)
    assert pair.look() == SocketState(ESTABLISHED, unread=412, unacknowledged=0, received=512)
    pair.client.recv(1000)
    assert pair.look() == SocketState(ESTABLISHED, unread=0, unacknowledged=0, received=512)


def test_bytes_that_nobody_has_taken_are_unacknowledged(pair: Pair) -> None:
    """The peer's window closes, so that not all that was written can leave."""
    pair.client.setblocking(False)
    sent = pair.client.send(b"x" * (64 << 20))
    seen = pair.look()
    assert seen is not None
    assert 0 < seen.unacknowledged <= sent < 64 << 20


def test_a_send_buffer_is_full_where_poll_says_so(pair: Pair) -> None:
    pair.client.setblocking(False)
    pair.client.send(b"x" * 1000)
    pair.until(lambda s: s is not None and s.writable)
    with contextlib.suppress(BlockingIOError):
        while pair.client.send(b"x" * (1 << 20)):
            pass
    pair.until(lambda s: s is not None and not s.writable)
    assert select.select([], [pair.client], [], 0)[1] == []
    while (seen := pair.look()) is not None and not seen.writable:
        pair.peer.recv(1 << 20)
    assert select.select([], [pair.client], [], 0)[1] == [pair.client]


def test_a_sender_is_blocked_only_when_nothing_moves_any_more(pair: Pair) -> None:
    pair.client.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while pair.client.send(b"x" * (1 << 20)):
            pass
    full = pair.until(lambda s: s is not None and not s.writable)
    blocked = Blocked(lambda: full)
    assert [blocked() for _ in range(Blocked.LOOKS + 1)] == [False] * Blocked.LOOKS + [True]
    assert full is not None
    moving = iter(full._replace(unacknowledged=n) for n in range(2 * Blocked.LOOKS))
    blocked = Blocked(lambda: next(moving))
    assert not any(blocked() for _ in range(2 * Blocked.LOOKS))
    idle = SocketState(ESTABLISHED, unread=0, unacknowledged=0, received=0)
    blocked = Blocked(lambda: idle)
    assert not any(blocked() for _ in range(2 * Blocked.LOOKS))


def test_a_fin_that_has_arrived(pair: Pair) -> None:
    pair.peer.close()
    pair.until(lambda s: s is not None and s.state == CLOSE_WAIT)


def test_a_fin_counts_as_one_byte_behind_the_data(pair: Pair) -> None:
    """It takes a sequence number, and the kernel's counters are differences of those."""
    pair.peer.sendall(b"x" * 64)
    pair.peer.close()
    pair.until(lambda s: s is not None and s.state == CLOSE_WAIT and s.unread == s.received == 64 + 1)
    assert pair.client.recv(100) == b"x" * 64
    assert pair.client.recv(100) == b""


def test_a_rst_that_has_arrived_leaves_no_connection(pair: Pair) -> None:
    pair.reset(pair.peer)
    pair.until(lambda s: s is None)
    with pytest.raises(ConnectionResetError):
        pair.client.recv(1)


def test_who_closed_first_waits(pair: Pair) -> None:
    pair.client.close()
    pair.peer.close()
    seen = pair.until(lambda s: s is not None and s.state == TIME_WAIT)
    assert seen is not None
    assert seen.received is None


def test_a_connection_that_never_was(pair: Pair) -> None:
    assert pair.diag.look(pair.remote, ("127.0.0.1", 1)) is None


def test_the_two_ends_are_told_apart(pair: Pair) -> None:
    pair.peer.sendall(b"x" * 7)
    pair.until(lambda s: s is not None and s.unread == 7)
    other = pair.diag.look(pair.remote, pair.local)
    assert other is not None
    assert other.unread == 0


@pytest.fixture
def killer() -> Iterator[socket.socket]:
    """A sock_diag socket with the right to destroy connections."""
    with (
        open_socket() as sock,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0],
    ):
        try:
            destroy(sock, client.getsockname(), server.getsockname())
        except OSError as error:
            pytest.skip(f"SOCK_DESTROY: {error.strerror}")
        yield sock


def test_a_connection_that_is_destroyed_tells_its_owner_that_it_was_aborted(pair: Pair, killer: socket.socket) -> None:
    destroy(killer, pair.local, pair.remote)
    assert pair.look() is None
    with pytest.raises(ConnectionAbortedError):
        pair.client.recv(1)
    with pytest.raises(ConnectionResetError):
        pair.peer.recv(1)
