"""The overview, which reads in blocks, against the same command where it reads frame by frame, and against `--json`."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import synthetic
from click.testing import CliRunner
from hypothesis import given, settings
from talks import CAPTURES
from ways import written

from hangup.cli.diagnose import command
from hangup.wire import Segment

_ALL = ("--cause", "*")
"""A filter that takes all: the overview then looks at every connection closely."""


def diagnose(path: Path, *words: str) -> str:
    done = CliRunner().invoke(command, [str(path), "--limit", "0", *words], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def parts(shown: str) -> tuple[set[str], list[list[str]]]:
    """The lines of the summary, but those of which it shows the first few only; and the table, row by row."""
    lines = [line.strip() for line in shown.splitlines()]
    at = next((place for place, line in enumerate(lines) if line.startswith("stream ")), len(lines))
    last = next((place for place, line in enumerate(lines) if line.startswith("Where")), at)
    return set(lines[:last]), [row for line in lines[at + 1 :] if (row := line.split()) and row[1] != "more"]


def assert_same_overview(path: Path, *words: str) -> None:
    """In its summary, and in each connection of trouble; all others lost nothing."""
    fast, slow = parts(diagnose(path, *words)), parts(diagnose(path, *words, *_ALL))
    told = [json.loads(line) for line in diagnose(path, *words, "--json").splitlines()]
    trouble = {str(line["stream"]) for line in told if line["severity"] in ("medium", "high")}
    assert fast[0] == slow[0]
    assert sorted(fast[1]) == sorted(row for row in slow[1] if row[0] in trouble)
    assert len(slow[1]) == len(told)


@settings(max_examples=100)
@given(CAPTURES)
def test_of_made_up_captures(segments: list[Segment]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "made-up.pcap"
        path.write_bytes(written(segments))
        assert_same_overview(path)


@pytest.mark.parametrize("words", [(), ("--max-memory", "1")], ids=["one block", "several blocks"])
def test_of_many_connections(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = tmp_path / "many.pcap"
    synthetic.write(path, 500_000, at_a_time=20)
    assert_same_overview(path, *words)
