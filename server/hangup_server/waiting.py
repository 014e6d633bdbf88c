"""The one way in which the peer waits for a socket: by a future that its event loop resolves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket


async def readable(sock: socket.socket) -> None:
    """Waits until poll(2) reports data, an end, an error, or, for a listener, a connection."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(sock, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


async def writable(sock: socket.socket) -> None:
    """Waits until poll(2) reports room in the send buffer, or an error."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_writer(sock, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_writer(sock)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():  # it is reported again until somebody has run
        ready.set_result(None)
