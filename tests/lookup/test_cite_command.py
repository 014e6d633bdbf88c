"""`hangup cite` names what `hangup site build` writes."""

from __future__ import annotations

import json
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

CELL = ("go/net-http", "rst-mid-body")
SITE = "https://hangup.example"


def hangup(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    return subprocess.run([sys.executable, "-m", "hangup", *arguments], capture_output=True, text=True, check=False)


def test_cites_a_page_and_a_badge_that_the_site_has(tmp_path: Path) -> None:
    pytest.importorskip("jinja2", reason="the site is made with Jinja2")
    built = hangup("site", "build", str(tmp_path), "--base-url", SITE)
    assert built.returncode == 0, built.stderr
    cited = json.loads(hangup("cite", *CELL, "--base-url", SITE, "--json").stdout)
    page = tmp_path / cited["address"].removeprefix(f"{SITE}/")
    assert (tmp_path / cited["badge"].removeprefix(f"{SITE}/")).read_text(encoding="utf-8").startswith("<svg")
    assert cited["image"] in unescape(page.read_text(encoding="utf-8"))


def test_names_outcome_versions_and_platform() -> None:
    shown = hangup("cite", *CELL).stdout
    for part in (
        "Address   cell/go/net-http/rst-mid-body.html",
        "in `rst-mid-body`: reset]",
        "10 trials on go1.",
        "--base-url",
    ):
        assert part in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("go/net-htt", "refused"), "did you mean go/net-http"),
        (("go/net-http", "refuse"), "did you mean refused"),
        (("go/net-http", "read-after-fin"), "for stream clients only"),
        ((*CELL, "--base-url", "hangup.example"), "must begin with https://"),
    ],
)
def test_bad_input_is_told_in_words(arguments: tuple[str, ...], words: str) -> None:
    done = hangup("cite", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
