"""The docker lab: two hosts on a network of the run's own, the peer on one, all agents on the other.

A host is a container without a program of its own that holds a network namespace (``hangup_server.host``); the peer
and the agents are containers that join it, as the containers of a pod do. So the client's side has one address, one
capture and one kernel view, and what these need is asked of the host alone, which gives its rights up before any
client starts. It passes two sockets, and from there on this lab is like the netns lab.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hangup.agents.build import Build
from hangup.agents.manifest import Manifest
from hangup.capture import Ring
from hangup.catalogue.model import Need
from hangup.errors import LabError
from hangup.labs.base import MAY_OFFER, Building, LabName, Network, PeerContainers, Side, Target, quietly
from hangup.labs.certificates import Certificates
from hangup.labs.docker import images
from hangup.labs.docker.attached import Attached
from hangup.labs.docker.bridge import Bridge, create_bridge
from hangup.labs.docker.engine import Engine
from hangup.labs.docker.hosts import Host
from hangup.labs.docker.leftovers import Owner, remove_container, remove_run, sweep
from hangup.labs.docker.peers import EndedPeers, Started
from hangup.labs.docker.published import AS_WANTED, UNORDERED, free_ports, lacking
from hangup.labs.docker.recipes import Argument, Recipe, agent_recipe, all_recipes, checked_arguments, peer_recipe
from hangup.labs.docker.spec import ROOT, Spec
from hangup.labs.process import Process
from hangup.labs.sockdiag import SocketDiag
from hangup.labs.topology import BLACKHOLE_HOST, NOWHERE_HOST, sysctls
from hangup_server.tls import CERTIFICATE

if TYPE_CHECKING:
    from docker import APIClient

AGENT_FOLDER = Path("/agent")
"""Where an agent lies in its image."""
_LINK = "eth0"
_SHARED = "/hangup"
_PEM = "/hangup.pem"
"""Where a container finds its certificate."""
_END_SECONDS = 10
_RIGHTS: dict[Side, tuple[str, ...]] = {"client": ("NET_ADMIN", "NET_RAW"), "peer": ("NET_ADMIN",)}


class DockerLab:
    """One network, two hosts, and the containers that join them. ``start`` makes it; ``close`` removes it all."""

    name: LabName = "docker"
    network: Network | None = None

    def __init__(self, engine: Engine) -> None:
        self.host = self.client_host = ""
        self.targets: Mapping[Target, str] = {}
        self.published: Sequence[int] = ()
        self.capture: Ring | None = None
        self.diag: SocketDiag | None = None
        self._engine = engine
        self._owner = Owner()
        self._closed = False
        self._arguments: tuple[Argument, ...] = ()
        self._image = ""
        self._certificates: Certificates | None = None
        self._hosts: dict[Side, Host] = {}
        self._processes: list[Process] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = 0
        self.containers: PeerContainers | None = None

    @classmethod
    async def start(cls, building: Building = quietly, build_args: Sequence[str] = ()) -> DockerLab:
        """Make the lab; ``building`` is told where the peer's image has to be built first.

        Raises LabError that says what the machine did not permit, BuildError, InputError for a wrong build argument.
        """
        lab = cls(await Engine.connect())
        try:
            if build_args:
                lab._arguments = checked_arguments(build_args, all_recipes())
            await lab._start(building)
        except BaseException:
            await lab.close()
            raise
        return lab

    @staticmethod
    async def probe() -> None:
        """Raises LabError where there is no engine that can be used."""
        await (await Engine.connect()).close()

    async def _start(self, building: Building) -> None:
        await self._engine.call(sweep)
        self._image = str((await self._ensure(peer_recipe(), building))["Id"])
        bridge = await self._engine.call(lambda api: create_bridge(api, self._network, self._owner.labels))
        self.targets = {
            "blackhole": BLACKHOLE_HOST, "no route": NOWHERE_HOST, "published port": bridge.gateway
        }  # fmt: skip
        self.host = (await self._start_host("peer")).address
        options = "--route", BLACKHOLE_HOST, self.host, "--withhold-acks", bridge.gateway
        client = await self._start_host("client", *options)
        self.client_host = client.address
        packets, diag = client.passed
        self.capture, self.diag = Ring(packets, _LINK), SocketDiag(diag)
        self._certificates = await asyncio.to_thread(Certificates, self.host, "localhost")
        self.containers = EndedPeers(self._engine, partial(self._start_contained_peer, bridge))

    async def prepare(self, manifest: Manifest, building: Building) -> Build:
        """Take the agent's image as it is, or build it."""
        image = await self._ensure(await asyncio.to_thread(agent_recipe, manifest), building)
        return Build(
            manifest=manifest, folder=AGENT_FOLDER, runtime=image["Id"], python="python3",
            base=images.base_of(image["Config"]["Labels"]),
        )  # fmt: skip

    async def _ensure(self, recipe: Recipe, building: Building) -> dict[str, Any]:
        recipe = recipe.with_arguments(self._arguments)
        found = await self._engine.call(lambda api: images.usable(api, recipe))
        if found is not None:
            return found
        building(recipe.title)
        return await self._engine.call_at_length(
            lambda api: images.build(api, recipe, images.Options(), self._check_open)
        )

    def _check_open(self, step: str) -> None:
        """Ends a build that goes on in its thread while the lab is closed."""
        if self._closed:
            raise LabError(f"the lab was closed at step {step}")

    async def start_agent(self, build: Build) -> Process:
        """Start a container of the agent's image on the client's host."""
        env = {"HOME": "/tmp", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}  # noqa: S108
        assert self._certificates is not None
        spec = Spec(
            name=self._name(build.manifest.language), image=build.runtime, command=build.argv, folder=str(build.folder),
            env=env | build.manifest.environment(_PEM), mounts={self._certificates.ca: _PEM},
            network=f"container:{self._hosts['client'].container}", labels=self._owner.labels,
        )  # fmt: skip
        return (await self._start_container(spec))[1]

    async def start_peer(self, keys: Path | None = None) -> Process:
        """Start the peer's container on its host. It needs a right for its ``hold`` steps, and has it only there."""
        del keys  # its files are its own
        assert self._certificates is not None
        spec = Spec(
            name=self._name("peer"), image=self._image, command=["python3", "-m", "hangup_server"],
            env={"LANG": "C.UTF-8", CERTIFICATE: _PEM}, mounts={self._certificates.peer: _PEM},
            user=ROOT, rights=("NET_ADMIN",), labels=self._owner.labels,
            network=f"container:{self._hosts['peer'].container}",
        )  # fmt: skip
        return (await self._start_container(spec))[1]

    async def _start_contained_peer(self, bridge: Bridge) -> Started:
        """A peer that is the first process of its container, and owns its network namespace."""
        host = next(bridge.addresses)
        spec = Spec(
            name=self._name("peer"), image=self._image, network=bridge.name, address=host, labels=self._owner.labels,
            command=["python3", "-m", "hangup_server", "--contained", _LINK],
            env={"LANG": "C.UTF-8"}, user=ROOT, rights=_RIGHTS["peer"], sysctls=_sysctls("peer"),
        )  # fmt: skip
        container, process = await self._start_container(spec)
        return Started(container, bridge.name, process, host)

    @property
    def _network(self) -> str:
        """The name of the run's own, with which its containers' begin."""
        return f"hangup-{self._owner.run}"

    def _name(self, part: str) -> str:
        """Of a container that no other has had."""
        self._started += 1
        return f"{self._network}-{part}-{self._started}"

    async def furnish(self, needs: Collection[Need]) -> list[str]:
        """Have ports published, which takes the engine a second or two: more than a trial without them should cost."""
        if "published" not in needs or self.published:
            return []
        client, address = self._hosts["client"], self.targets["published port"]
        if not client.withholds:
            return [UNORDERED]
        ports = free_ports(address)
        spec = Spec(
            name=self._name("nobody"), image=self._image, command=["python3", "-m", "hangup_server"],
            network=self._network, labels=self._owner.labels,
            published={inside: (address, port) for inside, port in enumerate(ports, 1)},
        )  # fmt: skip
        try:
            await self._start_container(spec)
        except LabError as error:
            return [str(error)]
        told = await client.connect(address, ports[0])
        if told != AS_WANTED:
            return [lacking(told)]
        self.published = ports
        return []

    def offers(self) -> frozenset[Need]:
        """A network of its own, a peer that may filter its sockets, and peers whose container can be ended; ports that
        lead to nobody, once there are some."""
        return MAY_OFFER[self.name] - (frozenset() if self.published else {"published"})

    async def _start_container(self, spec: Spec) -> tuple[str, Process]:
        """Create it, attach to it, start it: so nothing that it says is missed."""
        if self._closed:
            raise LabError("the docker lab is closed")
        container = await self._engine.call(spec.create)
        stream = await self._engine.attach(container)
        process = Process(kill=lambda: self._do(self._kill(container)))
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: Attached(process, over=lambda: self._do(self._end(container, process))), stream
        )
        self._processes.append(process)
        await self._engine.call(lambda api: api.start(container))
        return container, process

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done that nobody awaits before ``close``, which leaves nothing to be done."""
        if self._closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _kill(self, container: str) -> None:
        with suppress(LabError):  # it ended by itself meanwhile
            await self._engine.call(lambda api: api.kill(container))

    async def _end(self, container: str, process: Process) -> None:
        """The stream of a container has ended: learn why, and remove it."""
        status = -9
        try:
            if await self._engine.call(partial(_out_of_memory, container=container)):
                process.fail("ran out of its container's memory and was killed")
            status = await self._engine.call(partial(_status, container=container))
            await self._engine.call(partial(remove_container, container=container))
        except LabError:
            pass  # it was removed under us; so it has ended
        process.exited(status)

    async def _start_host(self, side: Side, *options: str) -> Host:
        """Start a side's host, take what it passes, and learn its address."""
        path = self._owner.shared / f"{side}.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(path))
            path.chmod(0o666)  # whoever the container's root is to this machine; the folder above is this user's alone
            listener.listen(1)
            listener.setblocking(False)
            spec = Spec(
                name=f"{self._network}-{side}-host", image=self._image, network=self._network,
                labels=self._owner.labels,
                command=["python3", "-m", "hangup_server.host", f"{_SHARED}/{path.name}", side, *options],
                user=ROOT, rights=_RIGHTS[side], mounts={self._owner.shared: _SHARED}, sysctls=_sysctls(side),
            )  # fmt: skip
            container, process = await self._start_container(spec)
            host = self._hosts[side] = await Host.meet(container, listener, process)
        host.address = await self._engine.call(partial(_address, container=container, network=self._network))
        return host

    async def close(self) -> None:
        """Remove every container of the run, and its network."""
        if self._closed:
            return
        self._closed = True
        for end in (*self._hosts.values(), self.capture, self.diag):
            if end is not None:
                end.close()
        try:
            await self._engine.call(lambda api: remove_run(api, self._owner.run))
            await asyncio.gather(*self._tasks)
            for process in self._processes:
                process.exited(-9)  # where that was not known yet
                await process.end()
        finally:
            await self._engine.close()
            self._owner.release()
            if self._certificates is not None:
                self._certificates.remove()


def _sysctls(side: Side) -> dict[str, str]:
    """The netns lab's own, as the engine names them; one that the kernel lacks is left out."""
    return {
        "net." + name.replace("/", "."): value
        for name, value in sysctls(side).items()
        if Path("/proc/sys/net", name).exists()
    }


def _status(api: APIClient, container: str) -> int:
    """Its exit status; minus the signal's number where a signal ended it, as everywhere in the harness."""
    status = int(api.wait(container, timeout=_END_SECONDS)["StatusCode"])
    return 128 - status if status > 128 else status


def _out_of_memory(api: APIClient, container: str) -> bool:
    return bool(api.inspect_container(container)["State"]["OOMKilled"])


def _address(api: APIClient, container: str, network: str) -> str:
    return str(api.inspect_container(container)["NetworkSettings"]["Networks"][network]["IPAddress"])
