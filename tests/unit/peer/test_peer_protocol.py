"""The conversation with the harness: messages, many trials, and faults that end nothing."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from peer_driver import DEADLINE, GET, POST, Connect, Json, Peer, environment, read_all, running_peer, step, until

from hangup_server import PROTOCOL, hold
from hangup_server.listener import PORTS

ACCEPT, RECV, CLOSE = step("accept"), step("recv request"), step("close")
ANSWER = [step("send head", length=0), CLOSE]


def test_hello(peer: Peer) -> None:
    assert peer.hello["protocol"] == PROTOCOL
    assert peer.hello["runtime"].endswith(".".join(map(str, sys.version_info[:3])))
    assert peer.hello["platform"].startswith(os.uname().sysname)
    if sys.platform == "linux":
        assert peer.hello["can"] == [*(["hold"] if hold.works() else []), "process", "h2"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "Expecting"),
        (b"\xff", "can't decode"),
        (b"[]", "an object with an"),
        (b'{"do":"open"}', "an object with an"),
    ],
)
def test_lines_that_are_no_messages(peer: Peer, line: bytes, why: str) -> None:
    peer.write(line + b"\n")
    answer = peer.wait(None)
    assert answer["ok"] is False
    assert why in answer["why"]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"do": "open"}, '"trial" must be text'),
        ({"do": "run", "trial": "x"}, "there is no trial 'x'"),
        ({"do": "close", "trial": "x"}, "there is no trial 'x'"),
        ({"do": "open", "trial": "x"}, '"host" must be an address'),
        ({"do": "open", "trial": "x", "host": "127.0.0.1", "port": "80"}, '"port" a number'),
        ({"do": "open", "trial": "x", "host": "127.0.0.1", "port": 70000}, '"port" a number'),
        ({"do": "open", "trial": "x", "host": "203.0.113.1"}, "EADDRNOTAVAIL"),
        ({"do": "open", "trial": "x", "host": "127.0.0.1", "steps_for_further": [{}]}, "step 1 is not"),
        ({"do": "open", "trial": "t", "host": "127.0.0.1"}, "trial 't' is open already"),
        ({"do": "run", "trial": "t"}, "steps must be a list"),
        ({"do": "run", "trial": "t", "steps": [step("jump")]}, "there is no step 'jump'"),
        ({"do": "jump", "trial": "t"}, "must be open, run, log or close, not 'jump'"),
    ],
)
def test_messages_that_cannot_be_obeyed(peer: Peer, message: Json, why: str) -> None:
    peer.open("t")
    answer = peer.call(**message)
    assert answer["ok"] is False
    assert why in answer["why"]


def test_a_log_is_told_while_the_trial_goes_on(peer: Peer, connect: Connect) -> None:
    client = connect(peer.open())
    client.sendall(GET)
    peer.run(ACCEPT, RECV)
    (entry,) = peer.call("log", trial="t")["log"]
    assert entry["events"] == ["accept", f"recv request {len(GET)}"]
    peer.run(*ANSWER)
    (entry,) = peer.close()
    assert entry["events"][-1] == "close"


def test_each_trial_has_a_port_of_its_own_in_turn(peer: Peer) -> None:
    ports = [peer.open(f"t{number}") for number in range(5)]
    peer.close("t0")
    ports.append(peer.open("t5"))
    assert all(port in PORTS for port in ports)
    assert len(set(ports)) == 6, "a port that is free again is not the next one"


def test_a_port_in_use_is_passed_over(peer: Peer) -> None:
    port = peer.open("a")
    following = PORTS[(PORTS.index(port) + 1) % len(PORTS)]
    with socket.socket() as occupant:
        occupant.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # somebody else's listener serves as well
            occupant.bind(("127.0.0.1", following))
            occupant.listen()
        assert peer.open("b") not in (port, following)


def test_a_port_of_one_s_choice(peer: Peer, connect: Connect) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert peer.open("a", port=free) == free
    connect(free)
    answer = peer.call("open", trial="b", host="127.0.0.1", port=free)
    assert answer["why"].startswith("EADDRINUSE")


def test_ipv6(peer: Peer, connect: Connect) -> None:
    client = connect(peer.open(host="::1"), "::1", data=GET)
    answer = peer.run(ACCEPT, RECV, *ANSWER)
    assert answer["remote"] == list(client.getsockname()[:2])


def test_remote_is_the_client_s_end(peer: Peer, connect: Connect) -> None:
    client = connect(peer.open())
    assert "remote" not in peer.run()
    assert peer.run(ACCEPT)["remote"] == list(client.getsockname())
    assert peer.run()["remote"] == list(client.getsockname())
    assert peer.close()[0]["remote"] == client.getsockname()[1]


def test_trials_do_not_wait_for_each_other(peer: Peer, connect: Connect) -> None:
    names = [f"t{number}" for number in range(50)]
    ports = {name: peer.open(name) for name in names}
    numbers = {name: peer.start("run", trial=name, steps=[ACCEPT, RECV, *ANSWER]) for name in names}
    for name in reversed(names):
        client = connect(ports[name], data=GET)
        assert peer.wait(numbers[name])["ok"]
        assert read_all(client).startswith(b"HTTP/1.1 200")


def test_nothing_is_accepted_before_it_is_asked_for(peer: Peer, connect: Connect) -> None:
    connect(peer.open())
    assert [entry["events"] for entry in peer.close()] == [["accept"]]


def test_every_connection_is_logged(peer: Peer, connect: Connect) -> None:
    port = peer.open(steps_for_further=[ACCEPT, RECV, *ANSWER])
    first = connect(port, data=GET)
    peer.run(ACCEPT, RECV)
    further = [connect(port, data=POST) for _ in range(3)]
    assert [read_all(client) for client in further] == [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"] * 3
    peer.run(*ANSWER)
    assert read_all(first).startswith(b"HTTP/1.1 200")
    log = peer.close()
    assert [entry["remote"] for entry in log] == [client.getsockname()[1] for client in (first, *further)]
    assert [entry["requests"][0]["method"] for entry in log] == ["GET", "POST", "POST", "POST"]
    assert log[1]["events"] == ["accept", f"recv request {len(POST)}", "send 38", "close"]


def test_further_connections_without_steps_stay_open(peer: Peer, connect: Connect) -> None:
    port = peer.open()
    connect(port)
    peer.run(ACCEPT)
    second = connect(port)
    second.setblocking(False)
    peer.run()
    with pytest.raises(BlockingIOError):
        second.recv(1)
    assert len(peer.close()) == 2
    second.settimeout(DEADLINE)
    assert read_all(second) == b""


def test_what_fails_on_a_further_connection_is_logged(peer: Peer, connect: Connect) -> None:
    port = peer.open(steps_for_further=[RECV, *ANSWER])
    connect(port)
    peer.run(ACCEPT)
    second = connect(port, data=b"hello\r\n")
    second.shutdown(socket.SHUT_WR)
    peer.run(step("pause", ms=1))
    events = peer.close()[1]["events"]
    assert events == ["accept", "recv request failed: what the client sent is not HTTP"]


def test_closing_cancels_what_waits(peer: Peer, connect: Connect) -> None:
    port = peer.open(steps_for_further=[RECV])
    connect(port)
    number = peer.start("run", trial="t", steps=[ACCEPT, RECV])
    connect(port)
    closing = peer.start("close", trial="t")
    assert peer.wait(number)["why"] == "the trial was closed"
    assert len(peer.wait(closing)["log"]) == 2


def test_a_connection_that_comes_as_its_trial_is_closed_is_no_complaint(connect: Connect) -> None:
    with running_peer() as peer:
        port = peer.open(steps_for_further=[RECV])
        connect(port)
        peer.run(ACCEPT)
        os.kill(peer.process.pid, signal.SIGSTOP)
        closing = peer.start("close", trial="t")
        connect(port)  # which the peer then finds in the same turn, behind the message
        os.kill(peer.process.pid, signal.SIGCONT)
        assert peer.wait(closing)["ok"]


def test_closing_at_once(peer: Peer) -> None:
    """Messages in one write(2): the batch is cancelled before it has begun, and answered all the same."""
    messages: list[Json] = [
        {"id": 1001, "do": "open", "trial": "quick", "host": "127.0.0.1"},
        {"id": 1002, "do": "run", "trial": "quick", "steps": [ACCEPT]},
        {"id": 1003, "do": "close", "trial": "quick"},
        {"id": 1004, "do": "open", "trial": "quick", "host": "127.0.0.1"},
        {"id": 1005, "do": "close", "trial": "quick"},
    ]
    peer.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
    assert [peer.wait(message["id"])["ok"] for message in messages] == [True, False, True, True, True]


def test_a_message_in_pieces(peer: Peer) -> None:
    for byte in b'{"id": 2001, "do": "open", "trial": "slow", "host": "127.0.0.1"}\n':
        peer.write(bytes([byte]))
    assert peer.wait(2001)["ok"]
    peer.close("slow")


def test_nothing_is_left_of_closed_trials(connect: Connect) -> None:
    with running_peer() as peer:
        descriptors = Path(f"/proc/{peer.process.pid}/fd")
        if not descriptors.exists():
            pytest.skip("open files are counted in /proc")
        before = len(list(descriptors.iterdir()))
        for number in range(20):
            client = connect(peer.open(f"t{number}", steps_for_further=[RECV]), data=GET)
            connect(client.getpeername()[1])
            peer.run(step("accept", process=number % 2 == 0), RECV, trial=f"t{number}")
            peer.close(f"t{number}")
        assert len(list(descriptors.iterdir())) == before


def limit_open_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))


def test_too_many_open_files(connect: Connect) -> None:
    with running_peer(preexec_fn=limit_open_files) as peer:
        ports: list[int] = []
        while (answer := peer.call("open", trial=f"t{len(ports)}", host="127.0.0.1"))["ok"]:
            ports.append(answer["port"])
        assert answer["why"].startswith(errno.errorcode[errno.EMFILE])
        client = connect(ports[0], data=GET)
        assert peer.fails(ACCEPT, trial="t0").startswith("accept: EMFILE")
        peer.close("t1")
        # There is room again: the peer looks again by itself, and takes what had to wait.
        until(lambda: bool(peer.call("run", trial="t0", steps=[RECV, *ANSWER])["ok"]))
        assert read_all(client).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("end", ["input", "SIGTERM"])
def test_the_end_closes_everything(connect: Connect, end: str) -> None:
    with running_peer() as peer:
        client = connect(peer.open("a"))
        peer.run(ACCEPT, trial="a")
        peer.start("run", trial="a", steps=[RECV])
        idle = peer.open("b")
        if end == "SIGTERM":
            peer.process.send_signal(signal.SIGTERM)
        assert peer.end() == 0
        assert read_all(client) == b""
        with pytest.raises(ConnectionRefusedError):
            connect(idle)


def test_a_harness_that_is_gone_is_no_crash() -> None:
    with running_peer() as peer:
        assert peer.process.stdout is not None
        peer.process.stdout.close()
        peer.write(b"{}\n" * 3)
        assert peer.end() == 0


def test_a_file_as_input_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "messages"
    empty.touch()
    with empty.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "hangup_server"],
            stdin=file, capture_output=True, text=True, env=environment(), timeout=DEADLINE, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert "standard input must be a pipe" in done.stderr
