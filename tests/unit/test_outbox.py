"""Messages to a keeper that does not read: none is lost, none overtakes another, and nobody waits."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterator

import pytest

if sys.platform == "win32":
    pytest.skip("the outbox is the netns lab's", allow_module_level=True)

from hangup.labs.outbox import Outbox

MANY = 2000
"""More messages than any setting of net.unix.max_dgram_qlen lets wait."""


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def test_what_is_not_read_yet_is_kept(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends

    async def exchange() -> list[bytes]:
        outbox = Outbox(ours)
        for number in range(MANY):
            outbox.send(str(number).encode())
        return [await asyncio.to_thread(theirs.recv, 100) for _ in range(MANY)]

    assert asyncio.run(exchange()) == [str(number).encode() for number in range(MANY)]


def test_descriptors_go_with_their_message_and_are_closed_here(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    reader, writer = os.pipe()

    async def send() -> None:
        Outbox(ours).send(b"here", [writer])

    asyncio.run(send())
    assert not is_open(writer)
    message, (received,), _flags, _address = socket.recv_fds(theirs, 100, 2)
    assert message == b"here"
    os.write(received, b"x")
    assert os.read(reader, 1) == b"x"
    os.close(received)
    os.close(reader)


@pytest.mark.parametrize("gone", [True, False], ids=["keeper-gone", "closed"])
def test_what_can_never_be_sent_is_closed(ends: tuple[socket.socket, socket.socket], gone: bool) -> None:
    ours, theirs = ends
    reader, writer = os.pipe()

    async def fill() -> None:
        outbox = Outbox(ours)
        for _ in range(MANY):
            outbox.send(b"x")
        outbox.send(b"last", [writer])
        if gone:
            theirs.close()
            while is_open(writer):  # noqa: ASYNC110 (the event loop finds it out; nobody is told)
                await asyncio.sleep(0)
        outbox.close()

    asyncio.run(fill())
    assert not is_open(writer)
    os.close(reader)
