"""A connection that a process owns: nobody else holds it, so the process's end is the connection's end."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from peer_driver import GET, Connect, Peer, logged, read_all, running_peer, step, until

from hangup_server.http import body

OWN, RECV, UNREAD = step("accept", process=True), step("recv request"), step("await request")
SIGNALS = ["kill", "interrupt", "terminate"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes that own a connection need Linux")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def nursery(peer: Peer) -> int:
    (pid,) = children(peer.process.pid)
    return pid


def owners(peer: Peer) -> list[int]:
    return children(nursery(peer))


def sockets(pid: int) -> list[str]:
    """The sockets that a process has open, each by its inode."""
    links = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()]
    return [link for link in links if link.startswith("socket:")]


def tcp_sockets(pid: int) -> list[str]:
    names = ("tcp", "tcp6")
    lines = [line for name in names for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]]
    inodes = {f"socket:[{line.split()[9]}]" for line in lines}
    return [link for link in sockets(pid) if link in inodes]


def gone(pid: int) -> bool:
    """Whether it has ended; a zombie that its new parent has not reaped counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("ending", SIGNALS)
def test_fin_when_all_was_read(peer: Peer, connect: Connect, ending: str) -> None:
    client = connect(peer.open(), data=GET)
    peer.run(OWN, RECV, step(ending))
    assert read_all(client) == b""
    assert peer.close()[0]["events"][-1] == ending


@pytest.mark.parametrize("ending", SIGNALS)
def test_rst_when_something_is_unread(peer: Peer, connect: Connect, ending: str) -> None:
    client = connect(peer.open(), data=GET)
    peer.run(OWN, UNREAD, step(ending))
    with pytest.raises(ConnectionResetError):
        client.recv(10)


@pytest.mark.parametrize("ending", SIGNALS)
def test_what_was_sent_before_is_delivered(peer: Peer, connect: Connect, ending: str) -> None:
    client = connect(peer.open(), data=GET)
    peer.run(OWN, RECV, step("send body", bytes=10_000), step(ending))
    assert read_all(client) == body(10_000)
    assert peer.close()[0] | {"remote": 0} == {
        "remote": 0,
        "read": len(GET),
        "sent": 10_000,
        "wire": 10_000,
        "requests": [logged("GET", "/page", len(GET))],
        "events": ["accept", f"recv request {len(GET)}", "send 10000"]
        + (["close"] if ending == "terminate" else [])
        + [ending],
    }


@pytest.mark.parametrize("ending", SIGNALS)
def test_a_process_is_reaped_when_its_ending_is_answered(peer: Peer, connect: Connect, ending: str) -> None:
    connect(peer.open())
    peer.run(OWN)
    (owner,) = owners(peer)
    peer.run(step(ending))
    assert not Path(f"/proc/{owner}").exists()
    assert peer.fails(step("kill")) == "kill: the process has ended already"
    assert "has ended" in peer.fails(RECV)


def test_only_the_owner_holds_the_connection(connect: Connect) -> None:
    with running_peer() as peer:
        before = len(sockets(peer.process.pid))
        connect(peer.open("own"))
        connect(peer.open("given"))
        peer.run(step("accept"), trial="own")
        peer.run(OWN, trial="given")
        (owner,) = owners(peer)
        assert len(tcp_sockets(owner)) == 1, "its own connection, and nothing of the other trial"
        assert tcp_sockets(nursery(peer)) == []
        assert len(sockets(nursery(peer))) == 1, "its line to the peer"
        assert len(tcp_sockets(peer.process.pid)) == 3, "two listeners and the connection it kept"
        assert len(sockets(peer.process.pid)) == before + 3 + 1, "and its line to the owner"
        peer.close("own")
        peer.close("given")
        assert len(sockets(peer.process.pid)) == before


def test_owners_do_not_hold_each_other(peer: Peer, connect: Connect) -> None:
    clients = {name: connect(peer.open(name), data=GET) for name in ("a", "b", "c")}
    for name in clients:
        peer.run(OWN, RECV, trial=name)
    peer.run(step("kill"), trial="b")
    assert read_all(clients["b"]) == b""
    peer.run(step("send", text="alive"), trial="a")
    assert clients["a"].recv(10) == b"alive"


def test_owners_neither_read_nor_write_what_is_the_harness_s(peer: Peer, connect: Connect) -> None:
    connect(peer.open())
    peer.run(OWN)
    for pid in (nursery(peer), *owners(peer)):
        assert {str(Path(f"/proc/{pid}/fd/{fd}").readlink()) for fd in (0, 1)} == {"/dev/null"}


def test_closing_a_trial_ends_its_process(peer: Peer, connect: Connect) -> None:
    connect(peer.open())
    number = peer.start("run", trial="t", steps=[OWN, RECV])
    until(lambda: bool(owners(peer)))
    log = peer.close()
    assert owners(peer) == []
    assert peer.wait(number)["why"] == "the trial was closed"
    assert log[0]["events"][0] == "accept"


def test_what_a_process_was_doing_is_logged(peer: Peer, connect: Connect) -> None:
    client = connect(peer.open())
    peer.start("run", trial="t", steps=[OWN, step("send body", bytes=20_000_000)])
    client.recv(1)
    (log,) = peer.close()
    assert log["events"] == ["accept", f"send {log['sent']} of 20000000"]


def test_terminate_ends_a_process_in_the_middle_of_a_step_in_order(peer: Peer, connect: Connect) -> None:
    client = connect(peer.open(), data=GET)
    peer.run(OWN, RECV)
    number = peer.start("run", trial="t", steps=[step("recv", bytes=1)])
    (owner,) = owners(peer)
    os.kill(owner, signal.SIGTERM)
    assert "the process that owns the connection has ended" in peer.wait(number)["why"]
    assert read_all(client) == b""
    assert peer.close()[0]["events"][-1] == "close"


@pytest.mark.parametrize("ending", SIGNALS)
def test_endings_need_a_process(peer: Peer, connect: Connect, ending: str) -> None:
    connect(peer.open())
    why = peer.fails(step("accept"), step(ending))
    assert why == f"{ending}: no process owns the connection; accept it with process = true"


def test_a_further_connection_gets_a_process_of_its_own(peer: Peer, connect: Connect) -> None:
    port = peer.open(steps_for_further=[OWN, RECV, step("kill")])
    first, second = connect(port, data=GET), connect(port, data=GET)
    peer.run(OWN, RECV)
    assert read_all(second) == b""
    peer.run(step("send", text="alive"))
    assert first.recv(10) == b"alive"
    assert [entry["events"][-1] for entry in peer.close()] == ["send 5", "kill"]


@pytest.mark.parametrize("end", ["end of input", "SIGTERM", "SIGKILL"])
def test_processes_end_with_the_peer(connect: Connect, end: str) -> None:
    with running_peer() as peer:
        client = connect(peer.open(), data=GET)
        peer.run(OWN, RECV)
        pids = [nursery(peer), *owners(peer)]
        if end == "SIGKILL":
            peer.process.kill()
            peer.process.communicate()
        else:
            if end == "SIGTERM":
                peer.process.terminate()
            assert peer.end() == 0
            assert all(gone(pid) for pid in pids), "nothing is left when the peer has ended"
        until(lambda: all(gone(pid) for pid in pids))
        assert read_all(client) == b""


def test_a_process_that_is_stopped_ends_with_the_peer(connect: Connect) -> None:
    """It cannot notice that the peer is gone."""
    with running_peer() as peer:
        connect(peer.open(), data=GET)
        peer.run(OWN, RECV)
        (owner,) = owners(peer)
        os.kill(owner, signal.SIGSTOP)
        peer.process.kill()
        peer.process.communicate()
        until(lambda: gone(owner))


def test_a_dead_nursery_is_an_answer(connect: Connect) -> None:
    with running_peer() as peer:
        connect(peer.open("before"))
        peer.run(OWN, trial="before")
        os.kill(nursery(peer), signal.SIGKILL)
        assert "has" in peer.fails(step("kill"), trial="before")
        connect(peer.open("after"))
        assert peer.fails(OWN, trial="after").startswith("accept: ")
        connect(peer.open("own"), data=GET)
        peer.run(step("accept"), RECV, trial="own")


def test_ctrl_c_reaches_neither_peer_nor_owners(connect: Connect) -> None:
    with running_peer(start_new_session=True) as peer:
        client = connect(peer.open(), data=GET)
        peer.run(OWN, RECV)
        os.killpg(peer.process.pid, signal.SIGINT)
        peer.run(step("send", text="alive"))
        assert client.recv(10) == b"alive"


def test_the_first_process_of_a_container_waits_on_sigterm_for_what_is_in_flight(connect: Connect) -> None:
    with running_peer("--contained", "no-such-0") as peer:
        port = peer.open()
        client = connect(port, data=GET)
        peer.run(OWN)
        peer.process.send_signal(signal.SIGTERM)
        until(lambda: refused(port))
        peer.run(RECV, step("send head", length=0), step("close"))
        assert read_all(client).startswith(b"HTTP/1.1 200")


def refused(port: int) -> bool:
    """Whether nobody listens there any more."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
