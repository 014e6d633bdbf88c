"""Many clients of one server: what it holds and remembers, and that none of them stops it.

The numbers are those of `/proc`: descriptors, and resident memory. Nothing here measures time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import struct
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from peer_driver import DEADLINE, GET, Connect, Server, read_all, step, until

from hangup_server import hold, kernel
from hangup_server.errors import StepError
from hangup_server.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process holds")

CI = "CI" in os.environ
FEWER = 4_000
CONNECTIONS = 20_000 if CI else FEWER
PROCESSES = 1_100 if CI else 150
"""The same where each connection costs a process. 1,024 descriptors are what many a process may have."""
WARM_UP = 500
TOGETHER = 50
"""Connections that are open at the same time."""
BYTES_EACH = 500
"""Of growth in a connection. A server that forgot nothing grew by 2,600 bytes in each; one that forgets grew by 0.15 MB
in all of 4,000, which are pages of the allocator."""

RESPONSE = [step("recv request"), step("send head", length=9), step("send body", bytes=9), step("close")]
SILENCE = [step("recv request")]
ABORT = struct.pack("ii", 1, 0)


class Crowd:
    """A server, and a thread that reads what it tells."""

    def __init__(self, file: Path, steps: object) -> None:
        self.server = Server(file, steps, "--port", "0")
        self.pid = self.server.process.pid
        self.port = self.server.port()
        self.told: list[str] = []
        self.accepted = 0
        self.over = 0
        """Connections whose script is done, or has failed."""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.server.process.stderr is not None
        with self.server.process.stderr as lines:
            for line in lines:
                self.told.append(line)
                self.accepted += line.endswith(" accepted\n")
                self.over += ": accept," in line

    def count(self, words: str) -> int:
        return sum(words in line for line in self.told)

    def descriptors(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())

    def resident(self) -> int:
        """Bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * resource.getpagesize()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.server.process.send_signal(number)
        status = self.server.process.wait(DEADLINE)
        self.clear()
        return status

    def clear(self) -> None:
        """What is left when the process has ended."""
        if self.server.process.poll() is None:
            self.server.process.kill()
            self.server.process.wait()
        self._reader.join()
        assert self.server.process.stdout is not None
        self.server.process.stdout.close()


@pytest.fixture
def crowd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Crowd]:
    with _crowd(tmp_path / "steps.json", request.param) as running:
        yield running


@contextmanager
def _crowd(file: Path, steps: object) -> Iterator[Crowd]:
    running = Crowd(file, steps)
    try:
        yield running
    finally:
        running.clear()


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """For a test that holds 2,000 connections, and its server too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip(f"no process may have more than {hard} descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# What one client of each kind does, once all of its group are connected.


def finishes(client: socket.socket) -> None:
    client.sendall(GET)
    assert read_all(client).startswith(b"HTTP/1.1 200")


def leaves(client: socket.socket) -> None:
    client.sendall(GET)


def aborts(client: socket.socket) -> None:
    client.sendall(GET)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)


def leaves_early(client: socket.socket) -> None:
    client.sendall(GET[:10])


def checks_health(client: socket.socket) -> None:
    """Connects and closes, as a load balancer does that asks whether somebody listens."""


def talks_rubbish(client: socket.socket) -> None:
    client.sendall(b"hello\r\n")
    with contextlib.suppress(ConnectionResetError):
        assert read_all(client) == b""


def is_killed(client: socket.socket) -> None:
    client.sendall(GET)
    assert read_all(client) == b""


class Kind(NamedTuple):
    steps: list[dict[str, object]]
    does: Callable[[socket.socket], None]
    number: int = CONNECTIONS


KINDS = {
    "finished": Kind(RESPONSE, finishes),
    "client leaves a silent server": Kind(SILENCE, leaves),
    "client aborts at a silent server": Kind(SILENCE, aborts, FEWER),
    "client leaves before its request is whole": Kind(RESPONSE, leaves_early, FEWER),
    "client leaves with its request unread": Kind([step("await request")], leaves, FEWER),
    "health check": Kind(SILENCE, checks_health),
    "script failed": Kind(RESPONSE, talks_rubbish),
    "process killed": Kind([step("accept", process=True), step("recv request"), step("kill")], is_killed, PROCESSES),
    "process left alone": Kind([step("accept", process=True), step("recv request")], leaves, PROCESSES),
}


def visit(crowd: Crowd, kind: Kind, number: int, *, at_once: bool = False) -> None:
    for _ in range(0, number, TOGETHER):
        accepted = crowd.accepted + TOGETHER
        clients = [crowd.connect() for _ in range(TOGETHER)]
        for client in clients:
            kind.does(client)
            client.close()
        # Linux drops SYNs while its queue is full, and a client then waits for a second.
        until(lambda accepted=accepted: crowd.accepted == accepted)  # type: ignore[misc]
        if not at_once:
            until(lambda accepted=accepted: crowd.over == accepted)  # type: ignore[misc]
    while (over := crowd.over) < crowd.accepted:
        until(lambda over=over: crowd.over > over)  # type: ignore[misc]


@pytest.mark.parametrize("name", KINDS)
def test_nothing_is_kept_of_a_connection_that_is_over(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    with _crowd(tmp_path / "steps.json", kind.steps) as crowd:
        descriptors = crowd.descriptors()
        visit(crowd, kind, min(WARM_UP, kind.number))
        until(lambda: crowd.descriptors() == descriptors)
        before = crowd.resident()
        visit(crowd, kind, kind.number)
        until(lambda: crowd.descriptors() == descriptors)
        assert crowd.resident() - before < BYTES_EACH * max(kind.number, FEWER)
        assert crowd.end() == 0
    assert crowd.accepted == crowd.count(": accept,")


def test_more_processes_at_once_than_fit_into_the_nursery_s_line(tmp_path: Path) -> None:
    """Both ends of that line are full then: neither may wait for the other."""
    kind = KINDS["process left alone"]
    with _crowd(tmp_path / "steps.json", kind.steps) as crowd:
        descriptors = crowd.descriptors()
        visit(crowd, kind, 1_100, at_once=True)
        until(lambda: crowd.descriptors() == descriptors)
        assert crowd.end() == 0


@pytest.mark.parametrize("crowd", [SILENCE], indirect=True)
def test_out_of_descriptors_it_says_so_once_and_goes_on_when_some_are_free(crowd: Crowd) -> None:
    few = crowd.descriptors() + 20
    resource.prlimit(crowd.pid, resource.RLIMIT_NOFILE, (few, few))
    for times in (1, 2):
        said, accepted = crowd.count("EMFILE"), crowd.accepted
        clients = [crowd.connect() for _ in range(100)]
        until(lambda said=said: crowd.count("EMFILE") > said)  # type: ignore[misc]
        for more in range(1, 6):  # it looks again, and says nothing
            at_least = crowd.accepted + 1
            clients[more].close()
            until(lambda at_least=at_least: crowd.accepted >= at_least)  # type: ignore[misc]
        for client in clients:
            client.close()
        until(lambda accepted=accepted: crowd.accepted == accepted + 100)  # type: ignore[misc]
        until(lambda: crowd.descriptors() == few - 20)
        assert crowd.count("EMFILE") == times
    assert crowd.end() == 0


@pytest.mark.usefixtures("many_descriptors")
@pytest.mark.parametrize("crowd", [SILENCE], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_2000_connections_in_its_hands(crowd: Crowd, number: signal.Signals) -> None:
    clients = []
    for count in range(1, 2001):
        clients.append(crowd.connect())
        if count % TOGETHER == 0:
            until(lambda count=count: crowd.accepted == count)  # type: ignore[misc]
    assert crowd.end(number) == 0
    for client in clients:
        assert read_all(client) == b""
        client.close()


@pytest.mark.parametrize("crowd", [[step("recv", bytes=1), step("linger")]], indirect=True)
def test_a_client_that_sends_without_end_does_not_stop_the_others(crowd: Crowd) -> None:
    flood, ended = crowd.connect(), threading.Event()

    def send() -> None:
        with contextlib.suppress(OSError):
            while not ended.is_set():
                flood.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10_000)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for _ in range(20):
            with crowd.connect() as client:
                client.sendall(b"x")
                client.shutdown(socket.SHUT_WR)
                assert read_all(client) == b""
    finally:
        ended.set()
        sender.join()
        flood.close()
    assert crowd.end() == 0


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([step("recv request")], id="read"),
        pytest.param([step("await request")], id="unread"),
        pytest.param([step("await request"), step("shutdown", side="read")], id="own side shut for reading"),
        pytest.param([step("recv request"), step("shutdown")], id="own side shut for writing"),
        pytest.param([step("accept", process=True), step("recv request")], id="process"),
    ],
)
def test_what_the_script_leaves_open_stays_open_until_the_client_leaves(
    tmp_path: Path, connect: Connect, steps: list[dict[str, object]]
) -> None:
    with _crowd(tmp_path / "steps.json", steps) as crowd:
        before = crowd.descriptors()
        clients = [connect(crowd.port, data=GET) for _ in range(2)]
        until(lambda: crowd.count(": accept,") == 2)
        clients[1].sendall(GET)  # that is no end
        clients.append(connect(crowd.port, data=GET))  # when its script is done, much later, the others are still there
        until(lambda: crowd.count(": accept,") == 3)
        held = crowd.descriptors()
        assert held >= before + 3
        assert crowd.count("could not go on") == 0
        clients[0].shutdown(socket.SHUT_WR)
        until(lambda: crowd.descriptors() == held - 1)
        clients[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        clients[1].close()
        until(lambda: crowd.descriptors() == held - 2)
        clients[2].close()
        until(lambda: crowd.descriptors() == before)
        assert crowd.end() == 0


@pytest.mark.skipif(not hold.works(), reason="socket filters need Linux, and CAP_NET_ADMIN on some kernels")
@pytest.mark.parametrize("crowd", [[step("hold data"), step("accept"), step("await held data")]], indirect=True)
def test_data_is_not_awaited_of_a_client_that_has_left(crowd: Crowd) -> None:
    crowd.connect().close()
    until(lambda: crowd.count("await held data: the client has ended its side without any data") == 1)
    assert crowd.end() == 0


async def test_an_acknowledgement_is_not_awaited_of_a_client_that_has_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the kernel makes it as small as it can
        client.connect(listening.getsockname())
        sock, _ = listening.accept()
        with sock:
            sock.setblocking(False)
            while kernel.unless_blocked(sock.send, bytes(1 << 16)):
                pass
            assert kernel.unacknowledged(sock)
            drained = asyncio.ensure_future(Wire(sock).drained())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            client.close()
            with pytest.raises(StepError, match="the connection is dead"):
                async with asyncio.timeout(DEADLINE):
                    await drained


@pytest.mark.parametrize("crowd", [SILENCE], indirect=True)
def test_the_kernel_asks_whether_a_silent_client_is_still_there(crowd: Crowd) -> None:
    with crowd.connect() as client:
        client.sendall(GET)
        until(lambda: crowd.count(": accept,") == 1)
        ours = f"{crowd.port:04X}"
        lines = [line.split() for line in Path(f"/proc/{crowd.pid}/net/tcp").read_text().splitlines()[1:]]
        (timer,) = [line[5] for line in lines if line[1].endswith(f":{ours}") and line[3] == "01"]
        assert timer.startswith("02:"), "proc(5): the keepalive timer"
    assert crowd.end() == 0
