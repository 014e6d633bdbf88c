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


def unread(sock: socket.socket) -> int:
    """Bytes that have arrived and were not read."""
    return _int(sock, termios.FIONREAD)


def unacknowledged(sock: socket.socket) -> int:
    """Bytes written but not acknowledged by the client; a FIN counts as one (Linux: write_seq - snd_una)."""
    if sys.platform == "darwin":
        return sock.getsockopt(socket.SOL_SOCKET, _DARWIN_SO_NWRITE)
    return _int(sock, termios.TIOCOUTQ)


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
