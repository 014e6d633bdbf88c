"""What the lab's containers may do: as little as their part asks for. Data, and nothing that acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker import APIClient

NOBODY, ROOT = "65534:65534", "0:0"
_MEMORY = "2g"
_PROCESSES = 4096  # a thread a trial, where a client blocks, and 512 trials may wait side by side
_CPUS = 2


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One container."""

    name: str
    image: str
    command: Sequence[str]
    network: str
    """The run's network, or ``container:ID`` for the namespace of a host."""
    published: Mapping[int | str, tuple[str, int]] = field(default_factory=dict)
    """Its ports that this machine has as well, each with the address and the port there."""
    labels: Mapping[str, str]
    address: str | None = None
    """In the run's network; None: one that the engine chooses."""
    folder: str | None = None
    """The working directory; None: the image's."""
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = NOBODY
    rights: Sequence[str] = ()
    """Capabilities; all others are dropped."""
    sysctls: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[Path, str] = field(default_factory=dict)
    """Folders and files of this machine, and where they are seen, read-only."""

    def create(self, api: APIClient) -> str:
        """Create it, with its input open and nothing logged; its id."""
        created: dict[str, Any] = api.create_container(
            self.image, name=self.name, labels=dict(self.labels),
            entrypoint=list(self.command), working_dir=self.folder, environment=dict(self.env), user=self.user,
            stdin_open=True, detach=False, host_config=self._limits(api),
            networking_config=self._endpoint(api), ports=list(self.published),
        )  # fmt: skip
        return str(created["Id"])

    def _endpoint(self, api: APIClient) -> Any:
        if self.address is None:
            return None
        endpoint = api.create_endpoint_config(ipv4_address=self.address)
        return api.create_networking_config({self.network: endpoint})  # type: ignore[arg-type]  # its stubs err

    def _resolvers(self) -> list[str] | None:
        """Nobody, so that no name is asked for elsewhere by the engine; a container that joins another has its."""
        return None if self.network.startswith("container:") else ["127.0.0.1"]

    def _limits(self, api: APIClient) -> Any:
        from docker.types import LogConfig

        return api.create_host_config(
            network_mode=self.network, port_bindings=dict(self.published), dns=self._resolvers(),
            cap_drop=["ALL"], cap_add=list(self.rights), security_opt=["no-new-privileges"],
            read_only=True, tmpfs={"/tmp": "size=256m,mode=1777"},  # noqa: S108  (the container's own)
            mem_limit=_MEMORY, memswap_limit=_MEMORY, pids_limit=_PROCESSES, nano_cpus=_nano_cpus(api),
            sysctls=dict(self.sysctls), log_config=LogConfig(type="none"),
            binds={str(path): {"bind": seen, "mode": "ro"} for path, seen in self.mounts.items()},
        )  # fmt: skip


def _nano_cpus(api: APIClient) -> int | None:
    """The engine refuses a limit above what the machine has, and any where it has no say, as a rootless one may."""
    info = api.info()
    return min(_CPUS, int(info["NCPU"])) * 10**9 if info["CpuCfsQuota"] else None
