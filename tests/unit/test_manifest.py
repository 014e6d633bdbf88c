"""``client.toml``: those that come with hangup are good, and a bad one is refused with the file and the place named."""

from __future__ import annotations

from pathlib import Path

import pytest

from hangup import paths
from hangup.agents.manifest import load_manifest, load_manifests
from hangup.errors import InputError

GOOD = """
language = "basic"
title = "BASIC"
version = ["basic", "--version"]
minimum = "2.0"
remedy = "install BASIC"
build = []
run = ["basic", "agent.bas"]
[clients."basic/socket"]
layer = "stream"
file = "agent.bas"
docs = "https://example.org/"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "basic"
    folder.mkdir()
    (folder / "agent.bas").write_text("10 END\n")
    (folder / "client.toml").write_text(GOOD)
    return folder


def test_a_good_one(folder: Path) -> None:
    manifest = load_manifest(folder)
    assert manifest.folder == folder
    assert manifest.clients["basic/socket"].layer == "stream"


def test_an_agent_is_told_the_authority_as_its_runtime_asks_for_it(folder: Path) -> None:
    (folder / "client.toml").write_text(
        GOOD.replace("[clients", 'env = { BASIC_CA = "@{ca}", BASIC = "1" }\n[clients', 1)
    )
    environment = load_manifest(folder).environment("/some/ca.pem")
    assert environment == {"HANGUP_CA": "/some/ca.pem", "BASIC_CA": "@/some/ca.pem", "BASIC": "1"}


def test_those_that_come_with_hangup() -> None:
    manifests = load_manifests(paths.clients())
    assert list(manifests) == sorted(manifests)
    assert {"go", "java", "node", "python"} <= set(manifests)
    for language, manifest in manifests.items():
        files = [entry.file for entry in manifest.clients.values()]
        assert len(files) == len(set(files)), f"{language}: one file a client"


BAD = {
    "not TOML": ('run = ["basic"', 'run = ["basic', "not valid TOML"),
    "unknown key": ('title = "', 'homepage = ""\ntitle = "', "homepage: Extra inputs"),
    "missing key": ("remedy = ", "# remedy = ", "remedy: Field required"),
    "other language": ('language = "basic"', 'language = "cobol"', "'cobol', but the folder is named 'basic'"),
    "bad language": ('language = "basic"', 'language = "Basic 2"', "language: String should match pattern"),
    "no command": ('run = ["basic", "agent.bas"]', "run = []", "run: "),
    "bad minimum": ('minimum = "2.0"', 'minimum = "2.x"', "minimum: String should match pattern"),
    "client of another language": ("basic/socket", "cobol/socket", "'cobol/socket' does not begin with basic/"),
    "client of no name": ("basic/socket", "basic", r"clients.*String should match pattern"),
    "unknown layer": ('layer = "stream"', 'layer = "udp"', r"clients\.basic/socket\.layer"),
    "missing file": ('file = "agent.bas"', 'file = "client.bas"', "no file 'client.bas' in"),
    "docs in the clear": ("https://", "http://", r"clients\.basic/socket\.docs"),
}


@pytest.mark.parametrize(("old", "new", "complaint"), BAD.values(), ids=BAD)
def test_a_bad_one_is_refused_with_file_and_place(folder: Path, old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    path = folder / "client.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(InputError, match=complaint) as caught:
        load_manifest(folder)
    assert str(caught.value).startswith(f"{path}: ")


def test_no_clients_at_all(folder: Path) -> None:
    path = folder / "client.toml"
    path.write_text(GOOD.partition("[clients")[0] + "[clients]\n")
    with pytest.raises(InputError, match="clients: Dictionary should have at least 1 item"):
        load_manifest(folder)


def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_manifest(tmp_path)


def test_a_folder_without_any(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no client folders"):
        load_manifests(tmp_path)
