"""What a run owns in the engine, how that is known to be its own, and what a run that was killed has left.

All that a run makes carries its labels, among them the run's folder. There lies a file that the run's process keeps
locked: the kernel lets go of the lock when the process ends, by whatever death, and only then is the run swept away.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hangup.labs.temporary import make_folder, our_folders

if TYPE_CHECKING:
    from docker import APIClient

RUN, FOLDER = "hangup.run", "hangup.folder"
_PREFIX = "hangup-docker-"
_LOCK = "lock"
_FORBIDDEN, _CONFLICT = 403, 409
_SECONDS = 30


class Owner:
    """One run's claim on what it makes. Held until ``release``, or the end of this process."""

    def __init__(self) -> None:
        self.run = secrets.token_hex(4)
        self.folder = make_folder(_PREFIX)
        """Of this user alone; it holds ``shared``, which is mounted into containers."""
        self.shared = self.folder / "shared"
        self.shared.mkdir(mode=0o755)
        self._lock = os.open(self.folder / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        (self.folder / ".lock").rename(self.folder / _LOCK)  # whoever sees it, sees it locked

    @property
    def labels(self) -> dict[str, str]:
        """What everything that the run makes is labelled with."""
        return {RUN: self.run, FOLDER: str(self.folder)}

    def release(self) -> None:
        """Nothing is left: remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


@dataclass(frozen=True)
class Swept:
    """What was removed, by name."""

    containers: list[str]
    networks: list[str]
    folders: list[str]
    in_use: list[str]
    """Networks that stay, because containers are in them that are not a run's."""


def remove_run(api: APIClient, run: str) -> None:
    """Remove every container and network of one run; a network that others have joined stays until they leave it.

    Raises what the SDK raises.
    """
    _remove(api, _containers(api, f"{RUN}={run}"), _networks(api, f"{RUN}={run}"))


def remove_container(api: APIClient, container: str) -> None:
    """Remove it, whatever it does; returns when it is gone, whoever removed it."""
    import docker.errors

    with suppress(docker.errors.NotFound):
        try:
            api.remove_container(container, v=True, force=True)
        except docker.errors.APIError as error:
            if error.status_code != _CONFLICT:
                raise
            api.wait(container, timeout=_SECONDS, condition="removed")  # somebody else is at it


def sweep(api: APIClient) -> Swept:
    """Remove what runs have left whose process is gone, and nothing else."""
    containers = [found for found in _containers(api, RUN) if not _alive(found)]
    networks = [found for found in _networks(api, RUN) if not _alive(found)]
    in_use = _remove(api, containers, networks)
    folders = list(_dead_folders())
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return Swept(
        [str(found["Names"][0]).lstrip("/") for found in containers],
        [str(found["Name"]) for found in networks if found["Name"] not in in_use],
        [str(folder) for folder in folders],
        in_use,
    )


def _containers(api: APIClient, label: str) -> list[dict[str, Any]]:
    return list(api.containers(all=True, filters={"label": [label, FOLDER]}))


def _networks(api: APIClient, label: str) -> list[dict[str, Any]]:
    return list(api.networks(filters={"label": [label, FOLDER]}))


def _remove(api: APIClient, containers: list[dict[str, Any]], networks: list[dict[str, Any]]) -> list[str]:
    """Remove them all; what is gone meanwhile is as well. The names of networks that others are in."""
    import docker.errors

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda container: remove_container(api, container["Id"]), containers))
    in_use = []
    for network in networks:
        try:
            api.remove_network(network["Id"])
        except docker.errors.NotFound:
            pass
        except docker.errors.APIError as error:
            if error.status_code != _FORBIDDEN:
                raise
            in_use.append(str(network["Name"]))
    return in_use


def _alive(found: dict[str, Any]) -> bool:
    """Whether the process of the run that made this still runs."""
    return _locked(Path(found["Labels"][FOLDER]))


def _dead_folders() -> Iterator[Path]:
    for folder in our_folders(_PREFIX):
        if not _locked(folder) and os.access(folder / _LOCK, os.W_OK):
            yield folder


def _locked(folder: Path) -> bool:
    """Whether a process holds the run's lock. What another user's run holds cannot be looked at, and is left alone."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
