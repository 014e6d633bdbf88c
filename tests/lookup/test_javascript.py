"""The ranking in the browser gives what the ranking in Python gives, to the last digit."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sayings import KINDS, SHAPES, sayings
from test_answers import CASES, EXCERPTS
from test_kinds import KINDS as TEXTS

import hangup.lookup
from hangup.lookup import Index, lookup
from hangup.lookup.documented import read_documented
from hangup.lookup.index import dump
from hangup.store import ClientResults

SCRIPT = Path(hangup.lookup.__file__).with_name("lookup.js")
DRIVER = Path(__file__).with_name("driver.mjs")
NODE = shutil.which("node")

OTHERS = [
    "",
    "\n \n",
    "nothing of the kind",
    "KeyError: 'x'",
    "econnreset",
    "the job was aborted, then ECONNRESET",
    "Connexion ré-initialisée par le correspondant [Errno 104] 🙂",
    "[WinError 10054] Une connexion existante a dû être fermée par l’hôte distant",
    "\u2028Error: socket hang up\u0085\x1c\ufeffEOF\r\nread ECONNRESET\rEOF",
    "İSTANBUL SOCKET HANG UP ΣΑΣ",
    "Error: socket hang up\n\n[Errno 32] Broken pipe\n\njava.net.ConnectException: Connection refused",
    "$1 $& \\1 \\n (104: ",
    *(f"{seed * (200_000 // len(seed))} ECONNRESET" for seed in ("DE-", "a.", "A+")),
    'File "' + "a" * 200_000,
]
"""Texts that are hard in one of the two languages: other scripts, other spaces, several errors, none, one long line."""


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_gives_the_same_answers(results: list[ClientResults], index: Index, tmp_path: Path) -> None:
    texts = [shape(text) for kind in KINDS for text in sayings(results, kind) for shape in SHAPES.values()]
    texts += [*OTHERS, *EXCERPTS, *(case.text for case in (*CASES, *TEXTS))]
    texts = list(dict.fromkeys([*texts, *(text for entry in read_documented() for text in entry.says)]))
    file = tmp_path / "index.json"
    file.write_text(dump(index), encoding="utf-8")
    for text, answers in zip(texts, _in_node(file, texts), strict=True):
        assert answers == [answer.plain() for answer in lookup(index, text)], text


def _in_node(index: Path, texts: list[str]) -> list[Any]:
    assert NODE is not None
    done = subprocess.run(
        [NODE, DRIVER, SCRIPT, index], input=json.dumps(texts).encode(), stdout=subprocess.PIPE, check=True
    )
    answers = json.loads(done.stdout)
    assert isinstance(answers, list)
    return answers
