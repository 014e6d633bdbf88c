"""An engine that the docker lab cannot use is refused with clear words and exit status 2, at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

import pytest
from driving import NOBODY, require_ordinary_user

pytest.importorskip("docker")

DOCKER = {"Version": "28.0.0", "ApiVersion": "1.48", "Os": "linux", "Components": [{"Name": "Engine"}]}


@contextmanager
def engine(path: Path, version: dict[str, object]) -> Iterator[str]:
    """Something that answers at ``path`` as an engine of this version does, and can do nothing else; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(version).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "unix"

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingUnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"unix://{path}"
        finally:
            server.shutdown()
            thread.join()


def refusal(address: str, *arguments: str, user: int | None = None) -> str:
    """What hangup says on standard error about the engine at ``address``, when it ends with status 2."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "DOCKER_HOST": address}
    done = subprocess.run(
        [sys.executable, "-m", "hangup", *(arguments or ("run", "--lab", "docker"))],
        env=environment, capture_output=True, text=True, check=False, cwd="/",
        **({} if user is None else {"user": user, "group": user, "extra_groups": []}),
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize("command", [("run", "--lab", "docker"), ("images", "list")], ids=" ".join)
def test_no_engine(command: tuple[str, ...], tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/none.sock"
    said = refusal(address, *command)
    assert said == (
        f"hangup: error: no Docker engine answers at {address}: start it, or set DOCKER_HOST (or use --lab netns)"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without permission")
def test_no_permission(tmp_path: Path) -> None:
    require_ordinary_user()
    with engine(tmp_path / "engine.sock", DOCKER) as address:
        (tmp_path / "engine.sock").chmod(0o600)
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        assert f"no permission for the Docker engine at {address}" in refusal(address, "images", "list", user=NOBODY)

    assert "it has to be on this machine" in refusal("tcp://127.0.0.1:2375")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a socket to another user")
def test_a_rootless_engine_of_another_user(tmp_path: Path) -> None:
    with engine(tmp_path / "engine.sock", DOCKER | {"SecurityOptions": ["name=rootless"]}) as address:
        os.chown(tmp_path / "engine.sock", 1234, 1234)
        assert "is rootless and another user's: run hangup as user 1234" in refusal(address)


REFUSED = {
    "podman": ({"Components": [{"Name": "Podman Engine"}]}, "is podman, and the docker lab needs Docker Engine"),
    "too old": (
        {"Version": "19.03.1", "ApiVersion": "1.40"},
        "Docker 19.03.1 is too old: API 1.40, and 1.41 is needed",
    ),
    "other containers": ({"Os": "windows"}, "the engine runs windows containers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_kind_of_engine(name: str, tmp_path: Path) -> None:
    changed, words = REFUSED[name]
    with engine(tmp_path / "engine.sock", DOCKER | changed) as address:
        assert words in refusal(address)


def test_the_sdk_is_missing(tmp_path: Path) -> None:
    """As it is where hangup was installed without its extra."""
    (tmp_path / "docker.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path), *(p for p in sys.path if p)])
    done = subprocess.run(
        [sys.executable, "-m", "hangup", "images", "list"],
        env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "pip install 'hangup[docker]'" in done.stderr
