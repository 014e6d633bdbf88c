"""A program's output as lines: whole lines only, however it comes, kept until somebody listens, and floods cut off."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import processes_with, until

from hangup.errors import LabError
from hangup.labs.loopback import LoopbackLab
from hangup.labs.process import MAX_LINE, STDERR_TAIL, Process


class Ear:
    """Who listens, and what it heard."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.why: list[str] = []
        self.over = asyncio.get_running_loop().create_future()

    def line(self, line: bytes) -> None:
        self.lines.append(line)

    def broken(self, why: str) -> None:
        self.why.append(why)
        if not self.over.done():
            self.over.set_result(None)


@pytest.fixture
async def process() -> Process:
    return Process(kill=lambda: None)


@pytest.mark.parametrize(
    "cut", [lambda data: [data], lambda data: [bytes([byte]) for byte in data], lambda data: [data[:7], data[7:]]],
    ids=["whole", "byte by byte", "in the middle"],
)  # fmt: skip
@pytest.mark.parametrize("listens", ["before", "after"])
async def test_lines_are_whole_however_they_come(
    process: Process, cut: Callable[[bytes], list[bytes]], listens: str
) -> None:
    ear = Ear()
    if listens == "before":
        process.listen(ear)
    for piece in cut(b"first\nsecond\r\n\n\xff third\nhalf of a li"):
        process.feed_stdout(piece)
    if listens == "after":
        process.listen(ear)
    assert ear.lines == [b"first", b"second\r", b"", b"\xff third"]
    process.feed_stdout(b"ne\n")
    assert ear.lines[-1] == b"half of a line"
    assert ear.why == []


async def test_the_longest_line_is_still_a_line(process: Process) -> None:
    ear = Ear()
    process.listen(ear)
    process.feed_stdout(b"x" * MAX_LINE + b"\n")
    assert [len(line) for line in ear.lines] == [MAX_LINE]


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("listens", ["before", "after"])
async def test_a_longer_one_is_a_flood(process: Process, end: bytes, listens: str) -> None:
    ear = Ear()
    if listens == "before":
        process.listen(ear)
    process.feed_stdout(b"x" * (MAX_LINE + 1) + end)
    process.listen(ear)
    process.feed_stdout(b"\nmore\n")
    process.exited(0)
    assert ear.lines == []
    assert set(ear.why) == {"wrote a line of more than 1,048,576 bytes"}
    assert len(ear.why) == (2 if listens == "before" else 1), "once for each time that somebody began to listen"


async def test_only_the_tail_of_stderr_is_kept(process: Process) -> None:
    for number in range(100_000):
        process.feed_stderr(b"%07d\n" % number)
    kept = process.stderr
    assert kept.endswith("0099999\n")
    assert len(kept) == STDERR_TAIL
    assert process._stderr_size < 2 * STDERR_TAIL


async def test_one_huge_piece_of_stderr_is_cut(process: Process) -> None:
    process.feed_stderr(b"x" * 10 * STDERR_TAIL + b"end")
    assert len(process.stderr) == STDERR_TAIL
    assert process.stderr.endswith("end")


@pytest.mark.parametrize(
    ("status", "why"), [(0, "ended with status 0"), (3, "ended with status 3"), (-9, "was killed by signal 9")]
)
async def test_an_end_is_told_once_in_words(process: Process, status: int, why: str) -> None:
    ear = Ear()
    process.listen(ear)
    process.exited(status)
    process.exited(status)
    process.fail("anything else")
    assert ear.why == [why]
    assert process.ended.result() == status


async def test_who_listens_too_late_hears_of_the_end_after_the_last_line(process: Process) -> None:
    process.feed_stdout(b"last words\n")
    process.exited(1)
    ear = Ear()
    process.listen(ear)
    assert (ear.lines, ear.why) == ([b"last words"], ["ended with status 1"])


async def test_the_last_words_are_heard_before_the_end_is_told(process: Process) -> None:
    ear = Ear()
    process.listen(ear)
    process.output_opened()
    process.output_opened()
    process.exited(1)
    assert ear.why == []
    process.feed_stdout(b"and yet\n")
    process.output_closed()
    process.feed_stderr(b"cannot open shared object file")
    process.output_closed()
    assert ear.lines == [b"and yet"]
    assert ear.why == ["ended with status 1"]
    assert process.stderr == "cannot open shared object file"


async def test_the_end_is_told_though_something_holds_an_output_open(process: Process) -> None:
    ear = Ear()
    process.listen(ear)
    process.output_opened()
    process.exited(0)
    await ear.over
    assert ear.why == ["ended with status 0"]


# With a real program, in the lab that works everywhere.


async def spawn(lab: LoopbackLab, program: str) -> Process:
    return await lab.spawn("client", [sys.executable, "-c", program], env={}, cwd=Path("/"))


async def test_a_program_that_answers_lines() -> None:
    lab = await LoopbackLab.start()
    try:
        process = await spawn(lab, "import sys\nfor line in sys.stdin: print(line.strip()[::-1], flush=True)")
        ear = Ear()
        process.listen(ear)
        process.write(b"abc\n")
        process.write(b"xyz\n")
        await process.end()
        await ear.over
    finally:
        await lab.close()
    assert ear.lines == [b"cba", b"zyx"]
    assert ear.why == ["ended with status 0"]


async def test_a_program_that_does_not_end_is_killed() -> None:
    lab = await LoopbackLab.start()
    try:
        process = await spawn(lab, "import signal; signal.pause()")
        process.listen(Ear())
        await process.end(grace=0.05)
        assert process.ended.result() == -9
    finally:
        await lab.close()


async def test_writing_to_a_program_that_is_gone_is_harmless() -> None:
    lab = await LoopbackLab.start()
    try:
        process = await spawn(lab, "")
        ear = Ear()
        process.listen(ear)
        await process.ended
        for _ in range(100):
            process.write(b"x" * 65536 + b"\n")
        assert ear.why == ["ended with status 0"]
    finally:
        await lab.close()


async def test_a_program_that_cannot_be_started_is_named() -> None:
    lab = await LoopbackLab.start()
    try:
        with pytest.raises(LabError, match="/no/such/program: No such file"):
            await lab.spawn("client", ["/no/such/program"], env={}, cwd=Path("/"))
    finally:
        await lab.close()


async def test_what_a_program_says_before_the_lab_hands_it_over_is_not_lost(tmp_path: Path) -> None:
    """The event loop may be busy while a child starts and speaks: its first line is still heard."""
    spoken = tmp_path / "spoken"
    os.mkfifo(spoken)
    lab = await LoopbackLab.start()
    try:
        asyncio.get_running_loop().call_soon(spoken.read_bytes)  # blocks the loop until the child has spoken
        process = await spawn(lab, f"print('hello', flush=True); open({str(spoken)!r}, 'w').close(); input()")
        ear = Ear()
        process.listen(ear)
        process.write(b"\n")
        await ear.over
        assert ear.lines == [b"hello"]
    finally:
        await lab.close()


async def test_what_a_program_has_started_ends_with_it(tmp_path: Path) -> None:
    mark = str(tmp_path / "grandchild")
    lab = await LoopbackLab.start()
    try:
        ear = Ear()
        grandchild = f"import signal; signal.pause()  # {mark}"
        program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
        process = await spawn(lab, program)
        process.listen(ear)
        await asyncio.to_thread(until, lambda: len(list(processes_with(mark))) == 2)
    finally:
        await lab.close()
    await asyncio.to_thread(until, lambda: not list(processes_with(mark)))
