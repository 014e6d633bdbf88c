"""Nothing that a terminal obeys is printed because it stands in a file's name, a capture or a result."""

from __future__ import annotations

import json
import unicodedata

import pytest

from hangup.cli.console import make_console
from hangup.plain_text import plain, plain_line

BIDI = ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")


def obeyed() -> list[str]:
    """By the Unicode database."""
    marks = "\u061c\u200e\u200f\u2028\u2029"
    everything = map(chr, range(0x110000))
    return [
        c for c in everything if unicodedata.category(c) == "Cc" or unicodedata.bidirectional(c) in BIDI or c in marks
    ]


def test_all_that_is_obeyed_is_shown() -> None:
    for character in obeyed():
        assert plain_line(f"a{character}b") == f"a\\u{ord(character):04x}b"


@pytest.mark.parametrize("text", ["naïve café, 東京, עברית, 👩\u200d🚀", "two\nlines\tand a tab"])
def test_what_is_text_stays(text: str) -> None:
    assert plain(text) == text


def test_a_line_of_json_stays_json() -> None:
    line = json.dumps({"name": "\x1b[31m\x7f\x9b\u202e"}, ensure_ascii=False)
    assert json.loads(plain(line)) == json.loads(line)
    assert "\x9b" not in plain(line)


def test_the_console_prints_it_so(capsys: pytest.CaptureFixture[str]) -> None:
    make_console().print("a\x1b]0;title\x07b", "\u202egnp.exe")
    assert capsys.readouterr().out == "a\\u001b]0;titleb \\u202egnp.exe\n"
