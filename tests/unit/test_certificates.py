"""The certificates of a run are this user's alone, and none outlives its run for long."""

from __future__ import annotations

import os
import ssl
import time
from pathlib import Path

import pytest

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
