"""A run publishes the ladders of real trials, and leaves them as they are when it is run again."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from driving import require_lab

from hangup import paths
from hangup.catalogue import load_catalogue
from hangup.cli.run import command
from hangup.store.drawings import drawing_file, load_drawings

pytestmark = pytest.mark.lab


def test_a_published_ladder_is_of_real_packets_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_lab("netns")
    monkeypatch.setattr(paths, "runs", lambda: tmp_path / "runs")
    out = tmp_path / "out"
    written = []
    for _ in range(2):
        arguments = ["--lab", "netns", "--client", "python/socket", "--scenario", "rst-mid-body", "--trials", "1"]
        found = CliRunner().invoke(command, [*arguments, "--out", str(out)])
        assert found.exit_code == 0, found.output
        written.append(drawing_file(out, "netns", "stream", "rst-mid-body").read_bytes())
    assert written[0] == written[1]
    (drawing,) = load_drawings(out, load_catalogue())
    peer = [row.words for row in drawing.rows if row.sender == "peer"]
    assert peer[0] == "SYN ACK"
    assert peer[-1] == "RST ACK"
    assert any("ConnectionResetError" in row.client for row in drawing.rows)
    assert any("No FIN was sent" in sentence for sentence in drawing.said)
