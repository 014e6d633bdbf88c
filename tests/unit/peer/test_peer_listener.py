"""Listeners by themselves: what cannot be seen from the client's end."""

from __future__ import annotations

import errno
import socket

import pytest
from peer_driver import Connect

from hangup_server import listener
from hangup_server.listener import Listener, Ports


async def test_accepted_sockets_do_not_wait_to_fill_segments(connect: Connect) -> None:
    listening = Listener("127.0.0.1", 0)
    client = connect(listening.port)
    await listening.wait()
    ((accepted, remote),) = listening.waiting()
    with accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not accepted.getblocking()
        assert remote == client.getsockname()
    listening.close()


async def test_all_ports_in_turn_and_none_when_all_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    monkeypatch.setattr(listener, "PORTS", range(free, free + 1))
    ports = Ports()
    first = ports.listen("127.0.0.1")
    assert first.port == free
    with pytest.raises(OSError, match="in use") as caught:
        ports.listen("127.0.0.1")
    assert caught.value.errno == errno.EADDRINUSE
    first.close()
    again = ports.listen("127.0.0.1")
    assert again.port == free
    again.close()
