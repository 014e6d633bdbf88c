"""Captures as they come: compressed, in parts, growing, damaged. What can be read is read, and the rest is told."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from click.testing import CliRunner
from wire_packets import LINKS, enhanced, interface, ipv4, pcap, section, tcp

from hangup.cli.diagnose import command
from hangup.diagnose import Inputs
from hangup.diagnose.blocks import Block, blocks
from hangup.errors import InputError

FRAMES = [LINKS["ethernet"].wrap(ipv4(tcp(seq=number))) for number in range(5)]
PLAIN = pcap(FRAMES)


def write(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, zstandard.compress, lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]),
     lambda data: zstandard.compress(data[:100]) + zstandard.compress(data[100:])],
    ids=["plain", "gzip", "zstd", "gzip in two members", "zstd in two frames"],
)  # fmt: skip
def test_a_capture_reads_the_same_however_it_is_packed(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    inputs = Inputs([write(tmp_path, "capture", pack(PLAIN))])
    assert [frame.data for frame in inputs] == FRAMES
    assert inputs.complaints == []


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_a_file_is_read_in_blocks_and_no_frame_by_itself(
    tmp_path: Path, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command line reads it: every frame passes in a block of the file's own bytes."""
    passed: list[int] = []

    def counted(*given: Any) -> Iterator[Block]:
        for block in blocks(*given):
            passed.append(len(block))
            yield block

    monkeypatch.setattr("hangup.diagnose.blocks.blocks", counted)
    monkeypatch.setattr("hangup.diagnose.inputs.read_capture", None)
    done = CliRunner().invoke(command, [write(tmp_path, "capture", pack(PLAIN))], catch_exceptions=False)
    assert (done.exit_code, sum(passed)) == (0, len(FRAMES))
    assert f"{len(FRAMES)} frames" in done.stdout


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("left", [0.3, 0.6, 0.9])
def test_of_a_capture_that_is_cut_off_the_part_before_is_read(
    tmp_path: Path, pack: Callable[[bytes], bytes], left: float
) -> None:
    data = pack(pcap(FRAMES * 2000))
    inputs = Inputs([write(tmp_path, "cut", data[: int(len(data) * left)])])
    frames = list(inputs)
    assert 0 < len(frames) < 10_000
    assert len(inputs.complaints) == 1
    assert "cut" in inputs.complaints[0]


def test_damage_in_compressed_data_is_told(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(pcap(FRAMES * 2000)))
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    inputs = Inputs([write(tmp_path, "damaged.gz", bytes(data))])
    list(inputs)
    assert len(inputs.complaints) == 1


def test_several_files_are_one_capture_in_the_order_of_their_times(tmp_path: Path) -> None:
    """Also where they were given in another order, and where they overlap."""
    names = []
    for part, times in enumerate(((5, 6, 9), (1, 2, 3), (4, 7, 8))):
        blocks = section() + interface() + b"".join(enhanced(FRAMES[0], time * 1_000_000) for time in times)
        names.append(write(tmp_path, f"part{part}.pcapng", blocks))
    frames = list(Inputs(names))
    assert [frame.time_ns // 1_000_000_000 for frame in frames] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert [frame.number for frame in frames] == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_thousand_files_are_not_open_at_once(tmp_path: Path) -> None:
    names = [write(tmp_path, f"{number}.pcap", PLAIN) for number in range(5)]
    limit = len(list(Path("/proc/self/fd").iterdir()))
    inputs = Inputs(names)
    most = 0
    for _ in inputs:
        most = max(most, len(list(Path("/proc/self/fd").iterdir())))
    assert most - limit <= len(names)


def test_one_bad_file_of_several_spoils_nothing_else(tmp_path: Path) -> None:
    inputs = Inputs([write(tmp_path, "good", PLAIN), write(tmp_path, "bad", b"no capture at all")])
    assert len(list(inputs)) == len(FRAMES)
    assert len(inputs.complaints) == 1
    assert "bad: neither pcap nor pcapng" in inputs.complaints[0]


def test_a_growing_file_is_read_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "growing.pcap"
    header, records = PLAIN[:24], PLAIN[24:]
    path.write_bytes(header + records[:10])
    inputs = Inputs([str(path)], follow=True)
    seen: list[bytes] = []
    arrived = threading.Semaphore(0)

    def read() -> None:
        for frame in inputs:
            seen.append(frame.data)
            arrived.release()

    reader = threading.Thread(target=read)
    reader.start()
    with path.open("ab") as file:
        for start in range(10, len(records), 7):
            file.write(records[start : start + 7])
            file.flush()
    for _ in FRAMES:
        assert arrived.acquire(timeout=30)
    inputs.stop()
    reader.join(30)
    assert seen == FRAMES
    assert inputs.complaints == []


@pytest.mark.parametrize("name", ["missing.pcap", "."])
def test_a_file_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"cannot be read"):
        Inputs([str(tmp_path / name)])


def test_standard_input_can_be_read_once() -> None:
    with pytest.raises(InputError, match="once only"):
        Inputs(["-", "-"])
