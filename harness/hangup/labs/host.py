"""What the labs have in common whose programs are this machine's own processes: how agents and the peer get there."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Self

from hangup import paths
from hangup.agents.build import Build, ensure_built
from hangup.agents.manifest import Manifest
from hangup.catalogue.model import Need
from hangup.interrupts import to_its_end
from hangup.labs.base import Building, Side, quietly
from hangup.labs.certificates import Certificates
from hangup.labs.process import Process
from hangup_server.tls import CERTIFICATE, KEY_LOG

_PASSED_ON = ("PATH", "HOME", "TMPDIR", "TMP", "TEMP", "JAVA_HOME", "SYSTEMROOT")
"""What an agent gets of the caller's environment: no proxies, no library's settings."""


class HostLab(ABC):
    """Agents are built with the machine's own toolchains and started as processes."""

    host: str
    certificates: Certificates
    published: Sequence[int] = ()

    @classmethod
    @abstractmethod
    async def start(cls, building: Building = quietly) -> Self:
        """Make the lab; nothing of it has to be built. Raises LabError that says what the machine did not permit."""

    @abstractmethod
    async def close(self) -> None:
        """Remove it."""

    @classmethod
    async def probe(cls) -> None:
        """Raises LabError where the lab cannot be opened here."""
        await to_its_end((await cls.start()).close())

    @abstractmethod
    async def spawn(self, side: Side, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> Process:
        """Start a program on one side of the lab. Raises LabError where it cannot be started."""

    async def furnish(self, needs: Collection[Need]) -> list[str]:
        """What there is, is there from the start."""
        del needs
        return []

    async def prepare(self, manifest: Manifest, building: Building) -> Build:
        """Build the agent, or take it from the cache."""
        return await ensure_built(manifest, building)

    async def start_agent(self, build: Build) -> Process:
        """Start the agent on the client's side, with an environment that says nothing of this machine's."""
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        env |= {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        env |= build.manifest.environment(str(self.certificates.ca))
        return await self.spawn("client", build.argv, env=env, cwd=build.folder)

    async def start_peer(self, keys: Path | None = None) -> Process:
        """Start the peer on its side."""
        env = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(paths.server_root()), "LANG": "C.UTF-8"}
        env[CERTIFICATE] = str(self.certificates.peer)
        if keys is not None:
            env[KEY_LOG] = str(keys.absolute())
        return await self.spawn("peer", [sys.executable, "-m", "hangup_server"], env=env, cwd=Path("/"))
