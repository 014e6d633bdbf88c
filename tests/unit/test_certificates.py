"""The certificates of a run are this user's alone, and none outlives its run for long."""

from __future__ import annotations

import os
import ssl
import time
from pathlib import Path

import pytest
from samples import no_file_larger_than

from hangup.errors import LabError
from hangup.labs.certificates import Certificates, sweep


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def age(folder: Path) -> None:
    an_hour_ago = time.time() - 3600
    os.utime(folder, (an_hour_ago, an_hour_ago))


def test_only_their_user_comes_near_them(tmp_path: Path) -> None:
    certificates = Certificates("192.0.2.2", "localhost")
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    ssl.create_default_context(cafile=certificates.ca)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificates.peer)
    certificates.remove()
    certificates.remove()
    assert not folder.exists()


def test_a_killed_runs_are_swept_and_no_others(tmp_path: Path) -> None:
    alive = Certificates("localhost")
    left, young, other = (tmp_path / name for name in ("hangup-certificates-1", "hangup-certificates-2", "notes"))
    for folder in (left, young, other):
        folder.mkdir()
    for folder in (alive.ca.parent, left, other):
        age(folder)
    sweep(tmp_path)
    assert {path for path in (alive.ca.parent, left, young, other) if path.exists()} == {alive.ca.parent, young, other}
    alive.remove()


PLANTED = {
    "a named pipe": os.mkfifo,
    "a link to a folder": lambda path: path.symlink_to(path.parent / "theirs"),
    "a link to a named pipe": lambda path: path.symlink_to(path.parent / "pipe"),
    "a file": Path.touch,
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_neither_opened_nor_removed(tmp_path: Path, name: str) -> None:
    (tmp_path / "theirs").mkdir()
    os.mkfifo(tmp_path / "pipe")
    planted = tmp_path / "hangup-certificates-planted"
    PLANTED[name](planted)
    Certificates("localhost").remove()
    assert sweep(tmp_path, seconds=-1) == []
    assert os.path.lexists(planted)
    assert (tmp_path / "theirs").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_another_users_folder_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "hangup-certificates-theirs"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    assert sweep(tmp_path, seconds=-1) == []
    assert folder.exists()


def test_no_folder_for_temporary_files_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(LabError, match="no temporary folder can be made: No such file or directory; set TMPDIR"):
        Certificates("localhost")


def test_a_full_folder_for_temporary_files_is_told(tmp_path: Path) -> None:
    with no_file_larger_than(16), pytest.raises(LabError, match="cannot be written: File too large; free some space"):
        Certificates("localhost")
    assert list(tmp_path.iterdir()) == []
