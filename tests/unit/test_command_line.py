"""What holds for every command: a reader that leaves is no failure, and nothing is said of it; an output that takes
nothing is one, and is told in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
COMMANDS = pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["list", "scenarios"],
        ["lookup", "EOF"],
        ["lookup", "--json", "EOF"],
        ["show", "python/requests"],
        ["table"],
        ["table", "--format", "csv"],
        ["diff", "netns", "docker"],
    ],
    ids=" ".join,
)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@COMMANDS
def test_a_terminal_of_few_characters_is_written_to(arguments: list[str], encoding: str) -> None:
    command, environment = [sys.executable, "-m", "hangup", *arguments], os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert done.returncode in (0, 1), done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGPIPE")
@COMMANDS
def test_a_reader_that_leaves_is_no_failure(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "hangup", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@COMMANDS
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_an_output_that_is_full_is_told_in_one_line(arguments: list[str], unbuffered: str) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hangup", *arguments], stdout=full, stderr=subprocess.PIPE, check=False, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert done.stderr == "hangup: error: standard output cannot be written: No space left on device\n"
    assert done.returncode == 2
