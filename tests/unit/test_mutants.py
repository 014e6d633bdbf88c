"""The list of small changes fits the tree, and its runner tells a test that notices from one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutants.run import ROOT, ListError, Mutant, chosen, load, verdict

ENTRY = """
[[mutant]]
id = "one"
file = "a.py"
old = "x"
new = "y"
tests = ["t.py"]
"""


def mutant(**changes: object) -> Mutant:
    return Mutant(**{"id": "one", "file": "a.py", "old": "x", "new": "y", "tests": ("t.py",), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("entry", load(), ids=lambda entry: entry.id)
def test_every_change_of_the_list_can_be_made(entry: Mutant) -> None:
    text = (ROOT / entry.file).read_text(encoding="utf-8")
    assert entry.apply(text) not in (None, text)
    for test in entry.tests:
        path, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / path).read_text(encoding="utf-8")


def test_an_old_text_stands_once_or_is_counted() -> None:
    assert mutant().apply("a x b") == "a y b"
    assert mutant().apply("a b") is None
    assert mutant().apply("x x") is None
    assert mutant(nth=2).apply("x x x") == "x y x"
    assert mutant(nth=3).apply("x x") is None


REASON = {"survives": "nobody can see it"}
VERDICTS = [
    ("killed", {}, 1, True, "killed by t.py::test_a[1 2]"),
    ("survives", {}, 0, False, "SURVIVES: no test notices it"),
    ("survives with a reason", REASON, 0, True, "survives: nobody can see it"),
    ("killed with a reason", REASON, 1, False, "take the reason out"),
    ("no tests", {}, 5, False, "could not be run (pytest's exit status 5)"),
    ("does not import", REASON, 2, False, "could not be run (pytest's exit status 2)"),
]


@pytest.mark.parametrize(
    ("changes", "status", "fine", "words"), [row[1:] for row in VERDICTS], ids=[row[0] for row in VERDICTS]
)
def test_a_verdict(changes: dict[str, object], status: int, fine: bool, words: str) -> None:
    said = verdict(mutant(**changes), status, "FAILED t.py::test_a[1 2] - assert 1 == 2\n1 failed in 0.1s\n")
    assert said[0] is fine
    assert words in said[1]


WRONG = [
    ("a key is missing", ENTRY.replace('new = "y"', ""), "one: .*'new'"),
    ("a key that there is not", ENTRY + "often = 3\n", "one: .*'often'"),
    ("twice", ENTRY * 2, "one: there are two of them"),
    ("no change", ENTRY.replace('"y"', '"x"'), "one: it needs tests, a change"),
    ("no tests", ENTRY.replace('["t.py"]', "[]"), "one: it needs tests, a change"),
    ("no reason", ENTRY + 'survives = ""\n', "one: it needs tests, a change, and words"),
    ("no id", ENTRY.replace('id = "one"', ""), "entry 1: .*'id'"),
    ("no TOML", "[[mutant", "mutants.toml: "),
    ("no list", "", "mutants.toml: 'mutant'"),
]


@pytest.mark.parametrize(("text", "complaint"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_an_entry_that_is_wrong_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "mutants.toml"
    path.write_text(text)
    with pytest.raises(ListError, match=complaint):
        load(path)


def test_a_glob_chooses_and_one_that_fits_nothing_is_an_error() -> None:
    mutants = [mutant(), mutant(id="two")]
    assert [each.id for each in chosen(mutants, ["t*"])] == ["two"]
    assert len(chosen(mutants, [])) == 2
    with pytest.raises(ListError, match="no mutant's id fits 'x\\*'"):
        chosen(mutants, ["two", "x*"])
