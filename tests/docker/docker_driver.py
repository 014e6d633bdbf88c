"""What the docker lab's tests share: what an engine holds, runs as processes, and programs as agents."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hangup import paths
from hangup.agents.build import Build
from hangup.agents.manifest import load_manifests
from hangup.labs.docker import images
from hangup.labs.docker.recipes import peer_recipe

if TYPE_CHECKING:
    from docker import APIClient

RUN = "hangup.run"


@dataclass(frozen=True)
class Belongings:
    """All containers, networks and volumes of an engine, by id, and the folders of docker labs on this machine."""

    containers: frozenset[str]
    networks: frozenset[str]
    volumes: frozenset[str]
    folders: frozenset[str]


def belongings(api: APIClient) -> Belongings:
    """As they are now."""
    return Belongings(
        frozenset(found["Id"] for found in api.containers(all=True)),
        frozenset(found["Id"] for found in api.networks()),
        frozenset(found["Name"] for found in api.volumes()["Volumes"] or ()),
        frozenset(str(path) for path in Path(tempfile.gettempdir()).glob("hangup-docker-*")),
    )


def ours(api: APIClient) -> dict[str, dict[str, Any]]:
    """What the engine knows of the running containers of docker labs, by the part of each."""
    found = (api.inspect_container(c["Id"]) for c in api.containers(filters={"label": RUN}))
    return {container["Name"].split("-", 2)[2]: container for container in found}


def python_base(api: APIClient) -> str:
    """The name of a base image that is there and has Python: the peer's."""
    made = images.usable(api, peer_recipe()) or images.build(api, peer_recipe(), images.Options(), lambda step: None)
    return images.base_of(made["Config"]["Labels"]).name.partition("@")[0]


def program(image: str, code: str) -> Build:
    """A Python program in place of an agent."""
    manifest = load_manifests(paths.clients())["python"]
    return Build(
        manifest=manifest.model_copy(update={"run": ("{python}", "-c", code)}), folder=Path("/tmp"), runtime=image,
        python="python3",
    )  # fmt: skip


def start_run(*arguments: str) -> subprocess.Popen[str]:
    """`hangup run --lab docker` as a user starts it."""
    command = [sys.executable, "-m", "hangup", "run", "--lab", "docker", *arguments]
    return subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
