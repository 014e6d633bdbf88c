"""Results files: what is written is read back, what is cut short or strange is refused, and nothing is half-written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from samples import no_file_larger_than

from hangup.errors import StoreError
from hangup.store.files import data_file, dump, load_results, read_file, save, write_text
from hangup.store.model import SCHEMA, ClientResults

TABLE: dict[str, Any] = {
    "schema": SCHEMA,
    "about": "Made by hangup.",
    "client": "python/socket",
    "layer": "stream",
    "platform": "netns",
    "proved": True,
    "trials": 10,
    "stack": {"runtime": "CPython 3.11.7", "versions": {}, "system": "Linux 6.18"},
    "cells": {
        "normal": {
            "observations": [
                {
                    "share": "always",
                    "operations": [{"op": "exchange", "received": 1084, "eof": False}],
                    "connections": [
                        {
                            "state": "SF",
                            "history": "ShDdFf",
                            "first_fin": "peer",
                            "peer_fin": True,
                            "sent": 1084,
                            "requests": [{"method": "GET", "answered": 200}],
                        }
                    ],
                }
            ]
        },
        "refused": {
            "observations": [
                {
                    "share": "mostly",
                    "operations": [
                        {
                            "op": "exchange",
                            "phase": "connect",
                            "received": 0,
                            "error": [{"type": "E", "message": "„refused“ …", "errno": 111, "code": "ECONNREFUSED"}],
                        }
                    ],
                    "connections": [{"state": "REJ", "history": "Sr", "rst": ["peer"]}],
                },
                {"share": "rarely", "operations": [{"op": "exchange", "hang": True}]},
            ]
        },
        "rst-on-accept": {"invalid": "the connection ended SF"},
        "write-after-fin": {"fault": "the python agent ended with status 3"},
    },
    "end": {"cells": 4},
}


@pytest.fixture
def results() -> ClientResults:
    return ClientResults.model_validate(TABLE)


@pytest.fixture
def path(tmp_path: Path, results: ClientResults) -> Path:
    save(tmp_path, {"python/socket": results})
    return data_file(tmp_path, "netns", "python/socket")


def test_a_round_trip(path: Path, tmp_path: Path, results: ClientResults) -> None:
    assert path == tmp_path / "data" / "netns" / "python" / "socket.json"
    assert read_file(path) == results
    assert load_results(tmp_path) == {("netns", "python/socket"): results}


def test_the_same_results_give_the_same_bytes(results: ClientResults) -> None:
    shuffled = ClientResults.model_validate(TABLE | {"cells": dict(reversed(TABLE["cells"].items()))})
    assert dump(shuffled) == dump(results)


def test_a_file_is_text_that_a_diff_can_show(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "„refused“ …" in text
    assert text.endswith("}\n")
    assert max(map(len, text.splitlines())) < 120


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "socket.json")
    with pytest.raises(StoreError, match=r"socket\.json: is not a file"):
        read_file(tmp_path / "socket.json")


def test_a_file_that_was_cut_short_is_refused_wherever_it_was_cut(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(0, len(whole) - 2, 100):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"cut short or not JSON|not UTF-8") as caught:
            read_file(path)
        assert str(caught.value).startswith(f"{path}: ")


STRANGE = {
    "newer schema": (
        {"schema": SCHEMA + 1, "surprise": 1},
        f"schema {SCHEMA + 1}, and this hangup reads up to {SCHEMA}; upgrade",
    ),
    "older schema": (
        {"schema": SCHEMA - 1},
        f"schema {SCHEMA - 1}, and this hangup reads {SCHEMA}; measure anew: `hangup run",
    ),
    "no schema": ({"schema": None}, "not a hangup results file"),
    "schema of another kind": ({"schema": "https://json-schema.org/"}, "not a hangup results file"),
    "no closing record": ({"end": None}, "incomplete, its closing record is missing"),
    "fewer cells than it says": ({"end": {"cells": 5}}, "incomplete, 4 cells of 5"),
    "unknown key": ({"colour": "blue"}, "colour: Extra inputs"),
    "unknown share": (
        {"cells": {"normal": {"observations": [{"share": "twice", "operations": []}]}}},
        r"cells\.normal\.observations\[0\]\.share",
    ),
    "no such layer": ({"layer": "udp"}, "layer: Input should be"),
}


@pytest.mark.parametrize(("changed", "complaint"), STRANGE.values(), ids=STRANGE)
def test_a_strange_file_is_refused(path: Path, changed: dict[str, Any], complaint: str) -> None:
    table = {key: value for key, value in (TABLE | changed).items() if value is not None}
    path.write_text(json.dumps(table))
    with pytest.raises(StoreError, match=complaint) as caught:
        read_file(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("text", ["[]", "null", "7", '"hangup"'])
def test_json_that_is_no_table_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(StoreError, match="not a hangup results file"):
        read_file(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"socket\.json: cannot be read: No such file"):
        read_file(tmp_path / "socket.json")


def test_a_folder_without_results(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such folder; `hangup run --out"):
        load_results(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="no results there"):
        load_results(tmp_path)


# Whole or not at all.


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "MATRIX.md"
    write_text(path, "old\n")
    with pytest.raises(StoreError, match=r"MATRIX\.md: cannot be written: "), no_file_larger_than(4096):
        write_text(path, "new\n" * 10_000)
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_is_taken_by_a_folder_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "MATRIX.md"
    path.mkdir()
    with pytest.raises(StoreError, match=r"MATRIX\.md: cannot be written: Is a directory"):
        write_text(path, "new\n")
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(StoreError, match=r"results/data/x\.json: cannot be written: Not a directory"):
        write_text(tmp_path / "results" / "data" / "x.json", "{}")


def test_a_reader_meanwhile_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    """What is replaced is the name: who has the old file open reads it to its end."""
    path = tmp_path / "MATRIX.md"
    write_text(path, "old\n")
    with path.open() as reader:
        write_text(path, "new\n")
        assert reader.read() == "old\n"
    assert path.read_text() == "new\n"


def test_results_can_be_read_by_everybody(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o644
