"""A run's folder: what it is given is found in it again, and what is damaged is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from samples import no_file_larger_than, trial

from hangup.conduct.rundir import CAPTURE, TRIALS, RunFolder, raw_trials, remove_old_runs, trial_segments
from hangup.conduct.trial import Operation
from hangup.errors import StoreError


def folder_with(root: Path, *trials: object) -> Path:
    folder = RunFolder.create(root)
    for each in trials:
        folder.add(each)
    folder.close()
    return folder.path


def test_trials_are_found_again(tmp_path: Path) -> None:
    hung = trial(operations=(Operation("exchange", None, 1, 2),), invalid="no RST", evidence=())
    assert list(raw_trials(folder_with(tmp_path, trial(), hung))) == [trial(), hung]


def test_every_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    folders = [folder_with(tmp_path / "runs") for _ in range(5)]
    assert len(set(folders)) == 5
    assert all(re.fullmatch(r"\d{8}T\d{6}Z(-\d+)?", folder.name) for folder in folders)


def test_an_empty_run_has_an_empty_capture(tmp_path: Path) -> None:
    assert trial_segments(folder_with(tmp_path), trial()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(StoreError, match=r"runs: cannot be written: Not a directory"):
        RunFolder.create(tmp_path / "runs")


def test_a_line_that_was_cut_short_is_named(tmp_path: Path) -> None:
    path = folder_with(tmp_path, trial(), trial())
    whole = (path / TRIALS).read_bytes()
    (path / TRIALS).write_bytes(whole[:-20])
    with pytest.raises(StoreError, match=rf"{TRIALS}: line 2: cut short or damaged"):
        list(raw_trials(path))


@pytest.mark.parametrize("name", [TRIALS, CAPTURE])
def test_a_file_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    path = folder_with(tmp_path, trial())
    (path / name).unlink()
    with pytest.raises(StoreError, match=f"{name}: cannot be read: No such file"):
        list(raw_trials(path)) if name == TRIALS else trial_segments(path, trial())


def test_a_full_disk_is_told_and_not_passed_over(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path)

    def fill() -> None:
        for _ in range(1000):
            folder.add(trial())

    with no_file_larger_than(1024), pytest.raises(StoreError, match="cannot be written: File too large"):
        fill()
    folder.close()


def runs_of(root: Path, *names: str) -> list[Path]:
    """Runs that have ended, by name."""
    for name in names:
        folder_with(root / "new", trial()).rename(root / name)
    return [root / name for name in names]


def test_the_last_runs_are_kept(tmp_path: Path) -> None:
    """Of those of one second the tenth is later than the second."""
    day = "20260101T000000Z"
    old = runs_of(tmp_path, "20250101T000000Z", day, f"{day}-2", f"{day}-9", f"{day}-10", "20270101T000000Z")
    size = sum(path.stat().st_size for run in old[:4] for path in run.iterdir())
    removed = remove_old_runs(tmp_path, 2)
    assert (removed.folders, removed.bytes) == (old[:4], size)
    assert [run for run in old if run.exists()] == old[4:]
    assert remove_old_runs(tmp_path, 2).folders == []


def test_a_run_that_is_still_written_to_is_neither_removed_nor_counted(tmp_path: Path) -> None:
    """Not even where its capture is complete: its results may be about to be published."""
    old = runs_of(tmp_path, "20250101T000000Z", "20250101T000001Z")
    writing = RunFolder.create(tmp_path)
    writing.flush()
    assert remove_old_runs(tmp_path, 1).folders == old[:1]
    assert remove_old_runs(tmp_path, 0).folders == old[1:]
    assert writing.path.exists()
    writing.close()
    assert remove_old_runs(tmp_path, 0).folders == [writing.path]


def test_what_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (theirs,) = runs_of(tmp_path / "elsewhere", "20250101T000000Z")
    named, noted, linked = runs_of(tmp_path, "mine", "20250101T000001Z", "20250101T000002Z")
    (noted / "notes.txt").write_text("what I found")
    (tmp_path / "20250101T000003Z").symlink_to(theirs)
    (tmp_path / "20250101T000004Z").mkdir()
    (tmp_path / "20250101T000005Z").write_text("a file")
    (linked / TRIALS).unlink()
    (linked / TRIALS).symlink_to(theirs / TRIALS)
    before = sorted(tmp_path.rglob("*"))
    assert remove_old_runs(tmp_path, 0).folders == []
    assert sorted(tmp_path.rglob("*")) == before
    assert named.exists()


def test_no_runs_at_all(tmp_path: Path) -> None:
    assert remove_old_runs(tmp_path / "none", 0).folders == []
