"""What a results folder holds of a cell that a later run could not measure."""

from __future__ import annotations

from pathlib import Path

import pytest

from hangup import paths
from hangup.cli.run import _published
from hangup.store import ClientResults, load_results, save
from hangup.store.model import Cell, End

BUSY = Cell(invalid="the machine was too busy")
NAMES = ("normal", "refused")


@pytest.fixture
def earlier() -> ClientResults:
    """Two cells of those that are published with this version."""
    checkout = paths.checkout()
    assert checkout is not None
    whole = load_results(checkout / "results")["netns", "python/socket"]
    return whole.model_copy(update={"cells": {name: whole.cells[name] for name in NAMES}, "end": End(cells=2)})


def after(earlier: ClientResults, **changed: object) -> ClientResults:
    """A run of the same two cells, one of which could not be measured."""
    return earlier.model_copy(update={"cells": {"normal": BUSY, "refused": earlier.cells["refused"]}, **changed})


def test_an_earlier_cell_stays_as_it_was(tmp_path: Path, earlier: ClientResults) -> None:
    save(tmp_path, {earlier.client: earlier})
    assert _published(tmp_path, after(earlier), set()) == earlier


def test_a_cell_that_failed_after_some_trials_is_no_result(tmp_path: Path, earlier: ClientResults) -> None:
    """Its trials that were valid are not all that were asked for."""
    partly = earlier.cells["normal"].model_copy(update={"invalid": "the machine was too busy"})
    new = after(earlier)
    new = new.model_copy(update={"cells": new.cells | {"normal": partly}})
    save(tmp_path, {earlier.client: earlier})
    assert _published(tmp_path, new, {(earlier.client, "normal")}) == earlier
    assert set(_published(tmp_path / "empty", new, {(earlier.client, "normal")}).cells) == {"refused"}


def test_one_of_another_stack_does_not(tmp_path: Path, earlier: ClientResults) -> None:
    save(tmp_path, {earlier.client: earlier})
    new = after(earlier, stack=earlier.stack.model_copy(update={"runtime": "another"}))
    assert _published(tmp_path, new, set()).cells["normal"] == BUSY


def test_where_there_is_none_a_fault_is_told_and_lateness_is_not(tmp_path: Path, earlier: ClientResults) -> None:
    assert _published(tmp_path, after(earlier), set()).cells["normal"] == BUSY
    late = _published(tmp_path, after(earlier), {(earlier.client, "normal")})
    assert set(late.cells) == {"refused"}
    assert late.end.cells == 1


def test_an_earlier_cell_without_a_result_is_nothing_to_keep(tmp_path: Path, earlier: ClientResults) -> None:
    save(tmp_path, {earlier.client: after(earlier)})
    assert set(_published(tmp_path, after(earlier), {(earlier.client, "normal")}).cells) == {"refused"}
