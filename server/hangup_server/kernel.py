"""What a socket is asked and told beyond the socket module: what its kernel counts, and ways to end without a FIN.

It knows one socket at a time, and neither steps nor logs.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import termios
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MSG_MORE = getattr(socket, "MSG_MORE", 0)
"""More follows: a FIN then shares its segment. Linux; elsewhere the FIN has a segment of its own."""

_ABORT = struct.pack("ii", 1, 0)  # struct linger: on, for 0 seconds
_DARWIN_SO_NWRITE = 0x1024
_TCP_REPAIR = 19  # linux/tcp.h; the socket module does not name it

# linux/tcp_states.h
_CLOSED = 7
_OPEN = (1, 4, 5)
"""The client may still send: ESTABLISHED, FIN_WAIT1 and FIN_WAIT2."""


def unread(sock: socket.socket) -> int:
    """Bytes that have arrived and were not read."""
    return _int(sock, termios.FIONREAD)


def unacknowledged(sock: socket.socket) -> int:
    """Bytes written but not acknowledged by the client; a FIN counts as one (Linux: write_seq - snd_una)."""
    if sys.platform == "darwin":
        return sock.getsockopt(socket.SOL_SOCKET, _DARWIN_SO_NWRITE)
    return _int(sock, termios.TIOCOUTQ)


def is_dead(sock: socket.socket) -> bool:
    """Whether its kernel has given the connection up: it was reset, has timed out, or both have ended. Linux."""
    return _state(sock) == _CLOSED


def is_ended(sock: socket.socket) -> bool:
    """Whether the client has ended its side, by FIN or RST, or the connection is dead.

    What lies unread does not matter on Linux; elsewhere the end is seen only when all before it was read.
    """
    state = _state(sock)
    if state is not None:
        return state not in _OPEN
    try:
        return unless_blocked(sock.recv, 1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def _state(sock: socket.socket) -> int | None:
    """One of linux/tcp_states.h; None elsewhere."""
    if sys.platform != "linux":
        return None
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def reset(sock: socket.socket) -> None:
    """Closes with a RST, whatever is unread or unsent."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    sock.close()


def vanish(sock: socket.socket) -> None:
    """tcp(7)'s TCP_REPAIR is for moving connections between hosts: closed in this mode, a socket sends nothing."""
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
    sock.close()


def unless_blocked(call: Callable[..., T], *arguments: object) -> T | None:
    """What a call on a non-blocking socket gives; None where it would have to wait."""
    try:
        return call(*arguments)
    except BlockingIOError:
        return None


def _int(sock: socket.socket, request: int) -> int:
    answer = fcntl.ioctl(sock, request, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])
