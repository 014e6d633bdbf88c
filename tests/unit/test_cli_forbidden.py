"""What may not even be looked at is an error of one line, whichever command asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""Takes from root the right to enter every folder."""


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "python/socket", "--results"),
        ("table", "--results"),
        ("cite", "python/socket", "rst-mid-body", "--results"),
        ("diff", "netns"),
        ("play", "refused", "--client", "python/socket", "--pcap"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_folder_that_may_not_be_entered(arguments: tuple[str, ...], tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0)
    command = [sys.executable, "-m", "hangup", *arguments, str(locked / "x")]
    if os.geteuid() == 0:
        if shutil.which(WITHOUT_RIGHTS[0]) is None:
            pytest.skip("root may enter every folder, and setpriv is not here")
        command = [*WITHOUT_RIGHTS, *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == 2, done.stderr
    assert "ermission denied" in done.stderr
