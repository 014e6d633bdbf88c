"""What holds for every command: a reader that leaves is no failure, and nothing is said of it."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGPIPE")
@pytest.mark.parametrize(
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
def test_a_reader_that_leaves_is_no_failure(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "hangup", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")
