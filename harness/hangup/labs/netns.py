"""The netns lab: client and peer in network namespaces with a router between, as root or as an ordinary user.

All that it is made of belongs to its keeper (see ``keeper``); this module starts the keeper, talks to it, and ends it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, Self

from hangup.capture import Ring
from hangup.catalogue.model import Need
from hangup.errors import LabError
from hangup.labs import keeper, topology
from hangup.labs.base import MAY_OFFER, Building, LabName, Network, PeerContainers, Side, Target, quietly
from hangup.labs.certificates import Certificates
from hangup.labs.firewall import Fate
from hangup.labs.forge import Forged
from hangup.labs.host import HostLab
from hangup.labs.outbox import Outbox
from hangup.labs.process import Process, adopt
from hangup.labs.sockdiag import SocketDiag

_START_SECONDS = 20.0
_CAP_SYS_ADMIN = 21


def unshare_command() -> list[str]:
    """The util-linux command that starts a keeper in namespaces of its own. Raises LabError where it is missing."""
    if sys.platform != "linux":
        raise LabError("the netns lab needs Linux; use --lab loopback")
    unshare = shutil.which("unshare")
    if unshare is None:
        raise LabError("the netns lab needs `unshare`; install util-linux, or use --lab loopback")
    user = [] if _may_administer() else ["--user", "--map-root-user"]
    return [unshare, *user, "--net", "--pid", "--fork", "--kill-child"]


def _may_administer() -> bool:
    """Whether this process has CAP_SYS_ADMIN: an ordinary user has not, nor has root in most containers."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return bool(int(value, 16) & 1 << _CAP_SYS_ADMIN)
    return False


_RESTRICTIONS = {
    # what keeps ordinary users from a user namespace, or from any rights in theirs, where it has the first value; and
    # the second, that permits it. Ubuntu has set the first of them since 23.10.
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
    "kernel/unprivileged_userns_clone": ("0", "1"),
    "user/max_user_namespaces": ("0", "10000"),
}


def _remedy() -> str:
    """What to do where the lab is not permitted: undo the kernel's setting that forbids it, where one does."""
    for name, (forbids, permits) in _RESTRICTIONS.items():
        setting, known_as = Path("/proc/sys", name), name.replace("/", ".")
        if not _may_administer() and setting.exists() and setting.read_text(encoding="ascii").strip() == forbids:
            return (
                f"{known_as} is {forbids}, which forbids it to ordinary users: run as root, or `sudo sysctl "
                f"{known_as}={permits}`, or use --lab loopback"
            )
    return "use --lab loopback"


class Make(Protocol):
    """Gives the keeper an order, and awaits that it is done."""

    async def __call__(self, fault: str, **given: object) -> None:
        """Raises LabError that says why it could not be done."""


class NetnsLab(HostLab):
    """Three namespaces, one keeper. ``start`` makes it; ``close`` ends the keeper and everything with it."""

    name: LabName = "netns"
    host = topology.PEER_HOST
    client_host = topology.CLIENT_HOST
    targets: Mapping[Target, str] = MappingProxyType(
        {"blackhole": topology.BLACKHOLE_HOST, "no route": topology.NOWHERE_HOST}
    )
    containers: PeerContainers | None = None

    def __init__(self) -> None:
        self.capture: Ring | None = None
        self.diag: SocketDiag | None = None
        self.certificates = Certificates(self.host, "localhost")
        self._control: socket.socket | None = None
        self._outbox: Outbox | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._processes: dict[int, Process] = {}
        self._orders: dict[int, asyncio.Future[None]] = {}
        """Those that the keeper has not answered yet."""
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._number = 0
        self._offers: frozenset[Need] = frozenset({"net", "hold", "router"})
        self.network: Network | None = KeptNetwork(self._make)

    @classmethod
    async def start(cls, building: Building = quietly) -> Self:
        """Make the lab. Raises LabError that says what the machine did not permit."""
        lab = cls()
        try:
            await lab._start()
        except BaseException:
            await lab.close()
            raise
        return lab

    async def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        ours.setblocking(False)
        self._outbox = Outbox(ours)
        with theirs:
            self._keeper = subprocess.Popen(  # noqa: ASYNC220  (a fork is quick, and its end is awaited in a thread)
                [*unshare_command(), sys.executable, "-m", "hangup.labs.keeper", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                start_new_session=True,  # a Ctrl+C at the terminal reaches the harness only
                env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            )  # fmt: skip
        asyncio.get_running_loop().add_reader(ours, self._hear)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await asyncio.shield(self._ready)
        except TimeoutError:
            raise LabError(f"the netns lab's keeper did not start within {_START_SECONDS:.0f} s") from None

    def offers(self) -> frozenset[Need]:
        """A network of its own with a router, on Linux; and what the keeper found that it can do."""
        return self._offers

    async def spawn(self, side: Side, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> Process:
        """Start a program in one of the namespaces."""
        number, started = self._order()
        stdin, stdout, stderr = os.pipe(), os.pipe(), os.pipe()
        order = {"spawn": list(argv), "id": number, "env": dict(env), "cwd": str(cwd), "side": side}
        process = self._processes[number] = Process(kill=lambda: self._send({"kill": number}))
        self._send(order, [stdin[0], stdout[1], stderr[1]])
        await adopt(process, stdin[1], stdout[0], stderr[0])
        await started
        return process

    async def _make(self, fault: str, **given: object) -> None:
        """Have the keeper make a fault. Raises LabError that says why it could not."""
        number, made = self._order()
        self._send({"fault": fault, "id": number, "given": given})
        await made

    def _order(self) -> tuple[int, asyncio.Future[None]]:
        """A new order's number, and what its answer resolves."""
        if self._control is None:
            raise LabError("the netns lab is closed")
        self._number += 1
        answer = self._orders[self._number] = asyncio.get_running_loop().create_future()
        return self._number, answer

    async def close(self) -> None:
        """Let go of the keeper: it exits, and the kernel removes the rest."""
        if self._outbox is not None:
            self._outbox.close()
            self._outbox = None
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control)
            self._control.close()
            self._control = None
        if self._keeper is not None:
            await asyncio.to_thread(self._await_keeper, self._keeper)
            self._keeper = None
        for number in list(self._orders):
            self._answered(number, "the netns lab is closed")
        for number in list(self._processes):
            self._exited(number, -9)
        self.certificates.remove()
        if self.capture is not None:
            self.capture.close()
        if self.diag is not None:
            self.diag.close()

    @staticmethod
    def _await_keeper(process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()  # unshare dies, and --kill-child takes the keeper and its namespace with it
            process.wait()
        if process.stderr is not None:
            process.stderr.close()

    def _send(self, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
        if self._outbox is not None:
            self._outbox.send(json.dumps(message).encode(), fds)

    def _hear(self) -> None:
        assert self._control is not None
        try:
            data, fds, _flags, _address = socket.recv_fds(self._control, keeper.MAX_MESSAGE, 2)
        except (BlockingIOError, InterruptedError):
            return
        if not data:
            self._gone()
            return
        message = json.loads(data)
        if "ready" in message:
            self.capture = Ring(socket.socket(fileno=fds[0]), message["ready"]["link"])
            self.diag = SocketDiag(socket.socket(fileno=fds[1]))
            self._offers |= {need for need in MAY_OFFER[self.name] if need in message["ready"]["offers"]}
            self._ready.set_result(None)
        elif "spawned" in message or "made" in message:
            self._answered(message.get("spawned") or message["made"], None)
        elif "refused" in message:
            self._processes.pop(message["refused"], None)
            self._answered(message["refused"], message["why"])
        elif "exited" in message:
            self._exited(message["exited"], message["status"])
        elif not self._ready.done():
            why = f"the netns lab cannot be set up here: {message['fatal']}; {_remedy()}"
            self._ready.set_exception(LabError(why))

    def _answered(self, number: int, why: str | None) -> None:
        """``why`` is the reason of a refusal. Whoever gave the order may have been cancelled meanwhile."""
        answer = self._orders.pop(number)
        if answer.done():
            return
        if why is None:
            answer.set_result(None)
        else:
            answer.set_exception(LabError(why))

    def _exited(self, number: int, status: int) -> None:
        process = self._processes.pop(number, None)
        if process is not None:
            process.exited(status)

    def _gone(self) -> None:
        """The keeper closed its end without being asked to."""
        assert self._control is not None
        asyncio.get_running_loop().remove_reader(self._control)
        if not self._ready.done():
            words = ""
            if self._keeper is not None and self._keeper.stderr is not None:
                words = self._keeper.stderr.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
            why = words or "its keeper ended at once"
            self._ready.set_exception(LabError(f"the netns lab is not permitted here: {why}; {_remedy()}"))
        for number in list(self._orders):
            self._answered(number, "the netns lab's keeper has ended")
        for number in list(self._processes):
            self._exited(number, -9)


class KeptNetwork:
    """The network between client and peer (``hangup.labs.base.Network``), by orders to its keeper."""

    def __init__(self, make: Make) -> None:
        self._make = make

    async def fate(self, fate: Fate, port: int, client_port: int | None) -> None:
        """Have the router's firewall do this to packets."""
        await self._make("fate", fate=fate, port=port, client_port=client_port)

    async def forge(self, forged: Forged) -> None:
        """Have the router send it."""
        await self._make("forge", **forged._asdict())

    async def abort(self, client_port: int, port: int) -> None:
        """Have the client's kernel destroy the socket."""
        await self._make("abort", client_port=client_port, port=port)

    async def lend_address(self, port: int) -> str:
        """Have the client's host given one that is the trial's own."""
        await self._make("lend address", port=port)
        return topology.own_address(port)

    async def remove_address(self, port: int) -> None:
        """Have it taken away again."""
        await self._make("remove address", port=port)

    async def translate(self, port: int) -> None:
        """Have the router put its address, and a port of its choosing, in place of the client's."""
        await self._make("translate", port=port)

    async def forget(self, port: int, remote: int) -> None:
        """Have it delete one connection's entry."""
        await self._make("forget", port=port, remote=remote)

    async def clear(self, port: int) -> None:
        """Take away what was set for the trial."""
        await self._make("clear", port=port)
