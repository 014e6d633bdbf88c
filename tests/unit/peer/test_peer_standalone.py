"""`--steps`: one ending for every client, without the harness."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from peer_driver import DEADLINE, GET, Connect, Server, environment, read_all, step

from hangup_server import hold
from hangup_server.http import body, response_head

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

RESPONSE = [step("recv request"), step("send head", length=9), step("send body", bytes=9), step("close")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "steps.json"


@pytest.fixture
def server(request: pytest.FixtureRequest, file: Path) -> Iterator[Server]:
    running = Server(file, request.param, "--port", "0")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.communicate()


def events(client: socket.socket, *names: str) -> str:
    return f"127.0.0.1 port {client.getsockname()[1]}: {', '.join(names)}"


@pytest.mark.parametrize("server", [RESPONSE, [step("accept"), *RESPONSE]], indirect=True)
def test_every_connection_gets_the_steps(server: Server, connect: Connect) -> None:
    port = server.port()
    for _ in range(3):
        client = connect(port, data=GET)
        assert read_all(client) == response_head(length=9) + body(9)
        assert server.told() == events(client, "accepted")
        assert server.told() == events(client, "accept", f"recv request {len(GET)}", "send 47", "close")
    server.process.send_signal(signal.SIGINT)
    assert server.end() == (0, "")


@pytest.mark.skipif(not hold.works(), reason="socket filters need Linux, and CAP_NET_ADMIN on some kernels")
@pytest.mark.parametrize(
    "server",
    [[step("hold data"), step("accept", process=True), step("await held data"), step("kill")]],
    indirect=True,
)
def test_linux_s_own_steps(server: Server, connect: Connect) -> None:
    port = server.port()
    for _ in range(2):
        client = connect(port, data=GET)
        assert read_all(client) == b""
        assert server.told() == events(client, "accepted")
        assert server.told() == events(client, "accept", "await held data", "kill")
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == (0, "")


@pytest.mark.parametrize("server", [RESPONSE], indirect=True)
def test_what_could_not_be_done_is_told(server: Server, connect: Connect) -> None:
    client = connect(server.port(), data=b"hello\r\n")
    assert server.told() == events(client, "accepted")
    why = "what the client sent is not HTTP"
    assert server.told() == events(client, f"could not go on: recv request: {why}")
    assert server.told() == events(client, "accept", f"recv request failed: {why}")


@pytest.mark.parametrize("server", [[step("recv request")]], indirect=True)
def test_ctrl_c_ends_what_waits(server: Server, connect: Connect) -> None:
    client = connect(server.port())
    assert server.told() == events(client, "accepted")
    server.process.send_signal(signal.SIGINT)
    assert server.end() == (0, "")
    assert read_all(client) == b""


@pytest.mark.parametrize(
    ("steps", "more", "why"),
    [
        pytest.param([step("jump")], ["--port", "0"], "there is no step 'jump'", id="step"),
        pytest.param("[", ["--port", "0"], "Expecting value", id="json"),
        pytest.param([step("stop listening")], ["--port", "0"], "goes on listening", id="listener"),
        pytest.param([step("accept"), step("kill")], ["--port", "0"], "no process owns", id="process"),
        pytest.param([], [], "--steps needs --port", id="no-port"),
        pytest.param([], ["--port", "70000"], "from 0 to 65535", id="port"),
        pytest.param([], ["--port", "x"], "invalid int", id="not-a-port"),
        pytest.param([], ["--port", "0", "--host", "203.0.113.1"], "EADDRNOTAVAIL", id="host"),
        pytest.param([], ["--port", "0", "--steps", "nowhere"], "cannot read nowhere: ENOENT", id="file"),
    ],
)
def test_bad_input_is_said_and_is_status_2(file: Path, steps: object, more: list[str], why: str) -> None:
    status, told = Server(file, steps, *more).end()
    assert status == 2
    assert why in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [(["--port", "0"], 2, "--port needs --steps"), (["--help"], 0, "--steps FILE")],
)
def test_command_line(arguments: list[str], status: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hangup_server", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment(), timeout=DEADLINE,
        check=False,
    )  # fmt: skip
    assert done.returncode == status
    assert said in done.stdout + done.stderr
