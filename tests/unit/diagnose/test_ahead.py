"""A reader in a process of its own brings what reading here does, with its complaints; and either may end early."""

from __future__ import annotations

import gzip
import io
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

if sys.platform != "linux":
    pytest.skip("a capture is read by two processes on Linux only", allow_module_level=True)

import synthetic
from conversations import MEMORY

from hangup.diagnose import Engine, Inputs, stream
from hangup.diagnose.ahead import Ahead, worth
from hangup.diagnose.blocks import Block, blocks
from hangup.diagnose.sift import Sieve
from hangup.diagnose.swift import Swift
from hangup.errors import HangupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # some test before may have left a thread


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "capture.pcap"
    synthetic.write(path, 400_000, at_a_time=20)
    return path


@pytest.mark.parametrize("full", [False, True], ids=["outlines", "findings"])
@pytest.mark.parametrize("size", [1 << 24, 20_000])
def test_it_brings_what_is_found_here(capture: Path, size: int, full: bool) -> None:
    data, found = capture.read_bytes(), []
    for sifted in (Ahead(blocks(io.BytesIO(data), size), []), map(Sieve().sift, blocks(io.BytesIO(data), size))):
        way = Swift(Engine(MEMORY))
        outlines = list(way.findings(sifted, full=full))
        found.append((way.counted, [(f.stream, f.orig, f.history, f.causes, f.end_ns) for f in outlines]))
    assert found[0] == found[1]
    assert sum(found[0][0]) + len(found[0][1]) > 50


def test_a_small_capture_is_not_worth_a_process() -> None:
    assert not worth(100_000)


def troubled(path: Path, monkeypatch: pytest.MonkeyPatch, *, apart: bool) -> tuple[int, int, list[str]]:
    monkeypatch.setattr("hangup.diagnose.ahead._WORTH", 0 if apart else 1 << 60)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1})
    inputs, engine, counted = Inputs([str(path)]), Engine(MEMORY), []
    found = list(stream.troubled(inputs, engine, counted.append, full=False))
    return len(found) + sum(map(sum, counted)), engine.counts.frames, inputs.complaints


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_what_could_not_be_read_is_told(capture: Path, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    data = capture.read_bytes()
    capture.write_bytes(gzip.compress(data)[:-20_000] if packed else data[:-50])
    told = troubled(capture, monkeypatch, apart=True)
    assert told == troubled(capture, monkeypatch, apart=False)
    one_by_one = Inputs([str(capture)])
    _connections, frames, complaints = told
    assert frames == sum(1 for _frame in one_by_one) > 200
    assert [text[:80] for text in complaints] == [text[:80] for text in one_by_one.complaints]
    assert "cut off" in complaints[0]


def test_a_fault_there_is_raised_here(capture: Path) -> None:
    def faulty() -> Iterator[Block]:
        yield from blocks(io.BytesIO(capture.read_bytes()), 100_000)
        raise ZeroDivisionError("of the reader's")

    ahead = Ahead(faulty(), [])
    with pytest.raises(ZeroDivisionError, match="of the reader's") as caught:
        list(ahead)
    assert "in faulty" in caught.value.__notes__[0]


def test_a_reader_that_is_killed_is_told() -> None:
    def slow() -> Iterator[Block]:
        signal.pause()
        yield from ()

    ahead = Ahead(slow(), [])
    os.kill(ahead._reader, signal.SIGKILL)
    with pytest.raises(HangupError, match="ended from outside"):
        list(ahead)


def test_nothing_is_left_of_it_when_nobody_wants_more(capture: Path) -> None:
    ahead = Ahead(blocks(io.BytesIO(capture.read_bytes()), 10_000), [])
    found = iter(ahead)
    assert len(next(found)) > 5
    found.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(ahead._reader, 0)


def test_where_there_may_be_no_more_processes_it_is_read_here(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    here = troubled(capture, monkeypatch, apart=False)
    monkeypatch.setattr("os.fork", no_more)
    assert troubled(capture, monkeypatch, apart=True) == here
