"""The fixtures of the peer's tests; what they are made of is in `peer_driver`."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from peer_driver import DEADLINE, Connect, Peer, running_peer

from hangup.labs.certificates import Certificates

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared_peer() -> Iterator[Peer]:
    with running_peer() as peer:
        yield peer


@pytest.fixture
def peer(shared_peer: Peer) -> Iterator[Peer]:
    """One process for all tests, as for all trials of a run."""
    with for_one_test(shared_peer) as peer:
        yield peer


@pytest.fixture(scope="session")
def certificates() -> Iterator[Certificates]:
    made = Certificates("127.0.0.1", "localhost")
    yield made
    made.remove()
    assert not made.ca.parent.exists()


@pytest.fixture(scope="session")
def shared_tls_peer(certificates: Certificates) -> Iterator[Peer]:
    with running_peer(certificate=certificates.peer) as peer:
        yield peer


@pytest.fixture
def tls_peer(shared_tls_peer: Peer) -> Iterator[Peer]:
    """The same with a certificate."""
    with for_one_test(shared_tls_peer) as peer:
        yield peer


@contextmanager
def for_one_test(peer: Peer) -> Iterator[Peer]:
    """No trial outlives its test."""
    yield peer
    for trial in list(peer.trials):
        peer.close(trial)


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
