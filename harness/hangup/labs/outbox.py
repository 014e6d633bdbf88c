"""Messages to a keeper, in their order, without ever waiting for it: what its socket does not take yet is kept.

A socket of messages takes few that are not read (net.unix.max_dgram_qlen: 10 by default), however small they are.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Sequence


class Outbox:
    """The sending half of a non-blocking SOCK_SEQPACKET socket, which stays its owner's to close."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[tuple[bytes, Sequence[int]]] = deque()

    def send(self, message: bytes, fds: Sequence[int] = ()) -> None:
        """Send it, now or later. The descriptors that go with it are closed when it is sent, or the outbox."""
        self._unsent.append((message, fds))
        if len(self._unsent) == 1:
            self._flush()

    def _flush(self) -> None:
        while self._unsent:
            message, fds = self._unsent[0]
            try:
                socket.send_fds(self._sock, [message], list(fds))
            except BlockingIOError:
                self._loop.add_writer(self._sock, self._flush)
                return
            except OSError:  # the keeper is gone, which is heard where its messages are read
                self.close()
                return
            self._unsent.popleft()
            _close(fds)
        self._loop.remove_writer(self._sock)

    def close(self) -> None:
        """Send no more."""
        self._loop.remove_writer(self._sock)
        for _message, fds in self._unsent:
            _close(fds)
        self._unsent.clear()


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
