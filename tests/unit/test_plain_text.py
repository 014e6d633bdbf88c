"""No text from outside commands a terminal, or turns the order in which a line is read."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hangup.cli.console import PlainConsole, make_console
from hangup.plain_text import plain, plain_line

CASES = {
    "a colour": ("\x1b[31mred", "\\u001b[31mred"),
    "a title, by OSC": ("\x1b]0;mine\x07", "\\u001b]0;mine\\u0007"),
    "a command of eight bits": ("\x9b2J", "\\u009b2J"),
    "what was written over": ("safe\rfalse\x08\x7f", "safe\\u000dfalse\\u0008\\u007f"),
    "another reading order": ("a\u202eb\u2066c\u200f\u061c", "a\\u202eb\\u2066c\\u200f\\u061c"),
    "lines of Unicode": ("a\u2028b\u2029c\x85", "a\\u2028b\\u2029c\\u0085"),
    "plain text": ("a line\n\tand another: café, 日本語, × ‘’ …", None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_text(name: str) -> None:
    text, shown = CASES[name]
    assert plain(text) == (text if shown is None else shown)
    assert plain(plain(text)) == plain(text)


@given(st.dictionaries(st.text(), st.text()))
def test_json_holds_the_same_values(table: dict[str, str]) -> None:
    text = plain(json.dumps(table, ensure_ascii=False))
    assert json.loads(text) == table
    assert not set(text) & set("\x1b\x7f\x9b\u202e")


@pytest.mark.parametrize("terminal", [False, True])
def test_a_console(terminal: bool) -> None:
    """Its own colours are its own: where it has them, only they are there."""
    table = Table("name", title="\x1b[32mtitle")
    table.add_row(Text("\x1b[31mred\x9b2J", style="bold"))
    out = io.StringIO()
    console = PlainConsole(file=out, force_terminal=terminal, width=100, color_system="standard" if terminal else None)
    for shown in (table, Panel("\x1b[31m"), "\u202e", "\x1b]0;mine\x07"):
        console.print(shown)
    text = out.getvalue()
    assert {"\\u001b[32mtitle", "\\u202e"} <= set(text.replace("\x1b[0m", " ").split())
    assert not set(text) & set("\x9b\x07\u202e")
    assert ("\x1b[1m" in text) == terminal
    assert "\x1b[31" not in text
    assert "\x1b]" not in text


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
