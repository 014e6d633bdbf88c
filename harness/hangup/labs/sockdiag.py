"""What the client's kernel knows of one TCP connection, by Linux's sock_diag(7).

This is how the harness learns that a FIN or a RST has *arrived*: the kernel has changed the socket's state, and not
merely seen the packet. One question is one exact look-up, some ten microseconds, and needs no privilege.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import NamedTuple

from hangup.labs.netlink import NLM_F_ACK, NLM_F_REQUEST, order

NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_SOCK_DESTROY = 21
_NLMSG_ERROR = 2

_INET_DIAG_INFO = 2
_MESSAGE_SIZE = 72  # struct inet_diag_msg
_TCP_INFO = struct.Struct("=128xQ")  # up to tcpi_bytes_received
_INET_DIAG_SKMEMINFO = 7
_MEMORY = struct.Struct("=12xI4xI")  # SK_MEMINFO_SNDBUF and SK_MEMINFO_WMEM_QUEUED of nine

_WANTED = 1 << (_INET_DIAG_INFO - 1) | 1 << (_INET_DIAG_SKMEMINFO - 1)

ESTABLISHED = 1
"""As include/net/tcp_states.h numbers it."""

# struct inet_diag_req_v2: family, protocol, ext, pad, states; then struct inet_diag_sockid
_REQUEST = struct.Struct("=IHHII BBBBI 2s2s16s16sIII")
# struct inet_diag_msg after the netlink header: family, state, timer, retrans; sockid (48); expires, rqueue, wqueue
_ANSWER = struct.Struct("=BBBB48xIII")


class SocketState(NamedTuple):
    """One socket: its TCP state, bytes received and not yet read, bytes sent and not yet acknowledged.

    The kernel counts in sequence numbers, so a FIN is one byte more, unread and received.
    """

    state: int
    unread: int
    unacknowledged: int
    received: int | None
    """Bytes of payload that have ever arrived on it; None where its owner has closed it, and the kernel keeps only a
    TIME_WAIT of it."""
    writable: bool = True
    """Its send buffer has so much room that poll(2) would say so; otherwise a writer that waits is left waiting."""


class SocketDiag:
    """Asks one network namespace's kernel about its TCP sockets."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.settimeout(1.0)

    @classmethod
    def here(cls) -> SocketDiag:
        """For the namespace that this process is in. Raises OSError where sock_diag is missing."""
        return cls(open_socket())

    def look(self, local: tuple[str, int], remote: tuple[str, int]) -> SocketState | None:
        """The IPv4 connection from ``local`` to ``remote``, or None where the kernel has no such socket (any more)."""
        self._sock.send(_request(_SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, local, remote))
        answer = self._sock.recv(4096)
        (kind,) = struct.unpack_from("=4xH", answer)
        if kind == _NLMSG_ERROR:  # ENOENT: no such socket
            return None
        _family, state, _timer, _retrans, _expires, unread, unacknowledged = _ANSWER.unpack_from(answer, 16)
        received = _attribute(answer, _INET_DIAG_INFO, _TCP_INFO)
        room, queued = _attribute(answer, _INET_DIAG_SKMEMINFO, _MEMORY) or (0, 0)
        return SocketState(
            state, unread, unacknowledged, received[0] if received else None, queued <= 2 * (room - queued)
        )

    def close(self) -> None:
        """Close the netlink socket."""
        self._sock.close()


def destroy(sock: socket.socket, local: tuple[str, int], remote: tuple[str, int]) -> None:
    """Abort a connection as `ss --kill` does: it sends RST, and its owner is told ECONNABORTED.

    ``sock`` is a sock_diag socket. Raises OSError: ENOENT where there is no such connection, EPERM without
    CAP_NET_ADMIN over its namespace, EOPNOTSUPP where the kernel is built without it.
    """
    order(sock, _request(_SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, local, remote))


class Blocked:
    """Whether a socket's sender is blocked for good: no room in its buffer, and nothing has moved for some looks.

    A buffer that is full at one look may be drained by the next; only a peer that takes no more leaves it as it is.
    """

    LOOKS = 50

    def __init__(self, look: Callable[[], SocketState | None]) -> None:
        self._look = look
        self._last: SocketState | None = None
        self._alike = 0

    def __call__(self) -> bool:
        """One more look."""
        state = self._look()
        alike = state is not None and not state.writable and state == self._last
        self._alike = self._alike + 1 if alike else 0
        self._last = state
        return self._alike >= self.LOOKS


def _request(kind: int, flags: int, local: tuple[str, int], remote: tuple[str, int]) -> bytes:
    return _REQUEST.pack(
        _REQUEST.size, kind, flags, 0, 0,
        socket.AF_INET, socket.IPPROTO_TCP, _WANTED, 0, 0xFFFFFFFF,
        local[1].to_bytes(2, "big"), remote[1].to_bytes(2, "big"),
        socket.inet_aton(local[0]), socket.inet_aton(remote[0]), 0, 0xFFFFFFFF, 0xFFFFFFFF,
    )  # fmt: skip


def _attribute(answer: bytes, wanted: int, layout: struct.Struct) -> tuple[int, ...] | None:
    """An attribute of the answer, read so; None where the socket has none (TIME_WAIT) or a shorter one."""
    at = 16 + _MESSAGE_SIZE
    while at + 4 <= len(answer):
        size, kind = struct.unpack_from("=HH", answer, at)
        if kind == wanted and size >= 4 + layout.size:
            return layout.unpack_from(answer, at + 4)
        at += max(4, (size + 3) & ~3)
    return None


def open_socket() -> socket.socket:
    """A sock_diag socket, which speaks of the namespace that it is opened in, wherever it is used."""
    return socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG)
