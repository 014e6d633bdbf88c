"""A capture by `tcpdump -i any` and one by Wireshark's dumpcap of the same packets read the same."""

from __future__ import annotations

import io
import json
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from driving import until

from hangup.wire import CaptureError, Flags, Segment, decode, read_capture

pytestmark = pytest.mark.lab

LINGER = struct.pack("ii", 1, 0)


def commands(port: int, folder: Path) -> dict[str, list[str]]:
    only = f"tcp port {port}"
    return {  # without a limit to a packet's length tcpdump's buffer has room for eight, which is few on a busy machine
        "tcpdump": [
            "tcpdump",
            "--immediate-mode",
            "-U",
            "-s",
            "2048",
            "-i",
            "any",
            "-w",
            str(folder / "tcpdump"),
            only,
        ],
        "dumpcap": ["dumpcap", "-q", "-i", "lo", "-f", only, "-w", str(folder / "dumpcap")],
    }


def endings(path: Path) -> int:
    """FINs and RSTs that are in the file by now."""
    found = 0
    try:
        for frame in read_capture(io.BytesIO(path.read_bytes())):
            segment = decode(frame)
            found += isinstance(segment, Segment) and bool(segment.flags & (Flags.FIN | Flags.RST))
    except (CaptureError, OSError):
        pass  # it is being written
    return found


@contextmanager
def capturing(command: list[str]) -> Iterator[None]:
    """While it lasts; skips by name where the program is missing, or has not the right to."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        for line in program.stderr:
            if "listening" in line or "File:" in line:
                break
        else:
            pytest.skip(f"{command[0]} cannot capture here")
        try:
            yield
        finally:
            program.send_signal(signal.SIGINT)
            program.stderr.read()
            program.wait(30)


def talk(listener: socket.socket) -> None:
    """One connection that ends in order, and one that is reset instead of an answer."""
    for abort in (False, True):
        with socket.create_connection(listener.getsockname()) as client:
            server, _ = listener.accept()
            client.sendall(b"a question")
            server.recv(100)
            if abort:
                server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            else:
                server.sendall(b"an answer")
                client.recv(100)
            server.close()
            try:
                client.recv(100)
            except ConnectionResetError:
                assert abort


def diagnosed(path: Path) -> list[dict[str, object]]:
    """What does not depend on the numbers of frames and the clock's last digits."""
    command = [sys.executable, "-m", "hangup", "diagnose", str(path), "--json"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
    told = []
    for line in map(json.loads, lines):
        causes = [(cause["cause"], cause["by"], cause["confidence"]) for cause in line["causes"]]
        same = {
            key: line[key] for key in line if key not in ("ts", "duration", "half_closed", "first_fin", "rst", "causes")
        }
        told.append({**same, "causes": causes, "rst": [rst["by"] for rst in line["rst"]]})
    return told


def test_a_capture_reads_the_same_whoever_took_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)  # some let go of root before they write
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as stack:
        programs = commands(listener.getsockname()[1], tmp_path)
        for command in programs.values():
            stack.enter_context(capturing(command))
        talk(listener)
        for name in programs:
            until(lambda name=name: endings(tmp_path / name) >= 3)  # type: ignore[misc]
    first, second = (diagnosed(tmp_path / name) for name in programs)
    assert first == second
    assert [line["conn_state"] for line in first] == ["SF", "RSTR"]
