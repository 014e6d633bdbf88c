"""Whatever a file holds, what is wrong with it is told in one line, which names the file and the place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hangup.conduct.rundir import TRIALS, raw_trials
from hangup.errors import InputError, StoreError
from hangup.lookup.index import load
from hangup.reading import read_json, read_toml
from hangup.store.files import read_file

DIGITS = "9" * 5000
DEEP = "[" * 100_000

TOML = {
    "a number that is too long": (f"a = 1\nb = {DIGITS}\n", "line 2: a number with too many digits"),
    "with underscores": (f"a = {'9_' * 5000}9", "line 1: a number with too many digits"),
    "a hexadecimal one": (f"a = 1\n[b]\nc = [1, 0x{'f' * 5000}]\n", r"b\.c\.1: a number beyond 64 bits"),
    "nested too deep": (f"a = {DEEP}", "nested too deep"),
    "no TOML": ("a = ", "not valid TOML"),
}
JSON = {
    "a number that is too long": (f'{{\n"a": {DIGITS}}}', "line 2: a number with too many digits; make it anew"),
    "nested too deep": (DEEP, "nested too deep; make it anew"),
    "no JSON": ("{\n", r"line 2: cut short or not JSON \(.*\); make it anew"),
}


@pytest.mark.parametrize("name", TOML)
def test_toml(tmp_path: Path, name: str) -> None:
    text, words = TOML[name]
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(InputError, match=rf"a\.toml: {words}"):
        read_toml(tmp_path / "a.toml")


@pytest.mark.parametrize("name", JSON)
def test_json(tmp_path: Path, name: str) -> None:
    text, words = JSON[name]
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(StoreError, match=rf"a\.json: {words}"):
        read_json(tmp_path / "a.json", StoreError, "make it anew")


def test_what_can_be_read_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a = [-9223372036854775808, 18446744073709551615, true]")
    assert read_toml(tmp_path / "a") == {"a": [-(2**63), 2**64 - 1, True]}
    (tmp_path / "a").write_text(json.dumps([1, {"a": None}]))
    assert read_json(tmp_path / "a") == [1, {"a": None}]


@pytest.mark.parametrize("text", [f'{{"schema": {DIGITS}}}', DEEP])
@pytest.mark.parametrize("read", [read_file, load, lambda path: list(raw_trials(path.parent))])
def test_whoever_reads_it(tmp_path: Path, read: Callable[[Path], object], text: str) -> None:
    path = tmp_path / TRIALS
    path.write_text(text)
    with pytest.raises(StoreError, match=TRIALS):
        read(path)
