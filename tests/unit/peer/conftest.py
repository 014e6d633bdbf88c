"""The fixtures of the peer's tests; what they are made of is in `peer_driver`."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from peer_driver import DEADLINE, Connect, Peer, running_peer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared_peer() -> Iterator[Peer]:
    with running_peer() as peer:
        yield peer


@pytest.fixture
def peer(shared_peer: Peer) -> Iterator[Peer]:
    """One process for all tests, as for all trials of a run; no trial outlives its test."""
    yield shared_peer
    for trial in list(shared_peer.trials):
        shared_peer.close(trial)


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes client sockets, and closes them when the test is over."""
    made: list[socket.socket] = []

    def make(port: int, host: str = "127.0.0.1", data: bytes = b"") -> socket.socket:
        sock = socket.create_connection((host, port), timeout=DEADLINE)
        made.append(sock)
        sock.sendall(data)
        return sock

    yield make
    for sock in made:
        sock.close()
