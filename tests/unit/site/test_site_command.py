"""``hangup site build``: what it makes, and what it refuses in which words."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from sites import published

from hangup.cli.site import command
from hangup.errors import InputError, StoreError
from hangup.store import ClientResults, save


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A small results folder."""
    one: ClientResults = published()[0]
    root = tmp_path / "results"
    save(root, {one.client: one})
    return root


def build(*arguments: object) -> str:
    found = CliRunner().invoke(command, ["build", *map(str, arguments)], standalone_mode=False)
    if found.exception is not None:
        raise found.exception
    return found.output


def test_a_site_is_built_and_built_again_over_itself(results: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert str(tmp_path / "site" / "index.html") in build(tmp_path / "site", "--results", results)
    assert (tmp_path / "site" / "matrix.html").is_file()


def test_the_same_results_give_the_same_bytes(results: Path, tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        build(tmp_path / name, "--results", results)
        files = sorted((tmp_path / name).rglob("*.*"))
        written.append([(path.relative_to(tmp_path / name), path.read_bytes()) for path in files if path.is_file()])
    assert written[0] == written[1]


def test_a_folder_with_other_files_is_left_alone(results: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("mine")
    with pytest.raises(InputError, match="mine: holds files that are no site of hangup's; give a new folder"):
        build(tmp_path / "mine", "--results", results)
    assert (tmp_path / "mine" / "index.html").read_text() == "mine"


def test_a_base_url_without_a_scheme_is_refused(results: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--base-url example\.org: must begin with https:// or http://"):
        build(tmp_path / "site", "--results", results, "--base-url", "example.org")


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere: no such folder"):
        build(tmp_path / "site", "--results", tmp_path / "nowhere")


def test_a_run_that_cannot_be_read_is_named(results: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(StoreError, match=f"{tmp_path / 'run'}: no results there"):
        build(tmp_path / "site", "--results", results, "--run", tmp_path / "run")


def test_a_run_of_other_versions_is_not_shown_as_evidence(results: Path, tmp_path: Path) -> None:
    one = published()[0]
    save(
        tmp_path / "run",
        {one.client: one.model_copy(update={"stack": one.stack.model_copy(update={"runtime": "other"})})},
    )
    with pytest.raises(InputError, match="it has no valid trial of the versions that"):
        build(tmp_path / "site", "--results", results, "--run", tmp_path / "run")


def test_a_folder_that_cannot_be_written_is_named(results: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written: Not a directory"):
        build(tmp_path / "file" / "site", "--results", results)
