"""The keeper: first process of a netns lab, and the owner of all that the lab is made of.

``unshare`` starts it in new network and PID namespaces (and, for an ordinary user, a user namespace). It makes the
second network namespace and the veth pair, opens the sockets that the harness may not open itself, and starts
programs on either side. All of that lives only as long as this process does: the namespaces have no name and no
mount, and the kernel kills what is left in the PID namespace when its first process ends. So the lab is gone when the
harness closes its socket, or dies in any way, SIGKILL included.

It talks over one SOCK_SEQPACKET socket, a JSON object a message, file descriptors beside it:

  keeper:  {"ready": {...}} with [packet socket, sock_diag socket]    or {"fatal": "why"}
  harness: {"spawn": argv, "id": n, "env": {...}, "cwd": ..., "side": "client"|"peer"} with [stdin, stdout, stderr]
           {"kill": n}
  keeper:  {"spawned": n} | {"refused": n, "why": ...} | {"exited": n, "status": ...}
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hangup.labs.sockdiag import open_socket
from hangup_server.host import plain_wire

CLIENT_HOST, PEER_HOST, PREFIX = "192.0.2.1", "192.0.2.2", 24  # RFC 5737 TEST-NET-1
BLACKHOLE_HOST = "198.51.100.1"  # RFC 5737 TEST-NET-2: routed to the peer's host, which does not forward
LINK = "hangup0"
MAX_MESSAGE = 128 << 10

_CLONE_NEWNET = 0x40000000


class Namespaces:
    """The two network namespaces: this process's own is the client's, the peer's is held by a descriptor."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fds = {"client": os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)}
        self._check(self._libc.unshare(_CLONE_NEWNET), "unshare(CLONE_NEWNET)")
        self._fds["peer"] = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.enter("client")

    def enter(self, side: str) -> None:
        """Move the calling (single) thread into one side."""
        self._check(self._libc.setns(self._fds[side], _CLONE_NEWNET), "setns")

    def fd(self, side: str) -> int:
        """A descriptor of the namespace."""
        return self._fds[side]

    @staticmethod
    def _check(result: int, call: str) -> None:
        if result != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{call}: {os.strerror(number)}")


def wire_up(namespaces: Namespaces) -> None:
    """Join the two sides by a veth pair, with fixed addresses and neighbours, so that no ARP is in the capture."""
    from pyroute2 import IPRoute  # only the keeper needs it, and it is slow to import

    macs = {"client": "02:00:5e:00:53:01", "peer": "02:00:5e:00:53:02"}
    hosts = {"client": CLIENT_HOST, "peer": PEER_HOST}
    with IPRoute() as client:
        client.link("add", ifname=LINK, kind="veth", address=macs["client"],
                    peer={"ifname": LINK, "address": macs["peer"], "net_ns_fd": namespaces.fd("peer")})  # fmt: skip
    for side, other in (("peer", "client"), ("client", "peer")):
        namespaces.enter(side)
        for name, value in sysctls(side).items():
            sysctl = Path("/proc/sys/net", name)
            if sysctl.exists():
                sysctl.write_text(value)
        with IPRoute() as ip:
            index = ip.link_lookup(ifname=LINK)[0]
            ip.link("set", index=ip.link_lookup(ifname="lo")[0], state="up")
            ip.addr("add", index=index, address=hosts[side], prefixlen=PREFIX)
            ip.link("set", index=index, state="up")
            ip.neigh("replace", dst=hosts[other], lladdr=macs[other], ifindex=index, state="permanent")
            if side == "client":
                ip.route("add", dst=f"{BLACKHOLE_HOST}/32", gateway=PEER_HOST)
        plain_wire(LINK)


def sysctls(side: str) -> dict[str, str]:
    """The settings of one side's network namespace, below /proc/sys/net; one that the kernel lacks is left out."""
    settings = {"ipv6/conf/all/disable_ipv6": "1"}
    if side == "peer":  # no router: what is sent to the black hole ends here without an answer
        return settings | {"ipv4/ip_forward": "0"}
    # A connect gives up after 1 + 2 + 4 + 4 s (before Linux 6.15, which brought the limit, 1 + 2 + 4 + 8): later than
    # the clients' own connect deadlines of 5 and 10 s, as it would with the 131 or 127 s of the defaults.
    return settings | {
        "ipv4/tcp_syn_retries": "3",
        "ipv4/tcp_syn_linear_timeouts": "0",
        "ipv4/tcp_rto_max_ms": "4000",
    }


class Keeper:
    """Serves the harness until its socket closes."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._selector = selectors.DefaultSelector()
        self._namespaces = Namespaces()

    def serve(self) -> None:
        """Set up, then answer until the harness is gone."""
        wire_up(self._namespaces)
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # bound by the harness, when its ring stands
        self._say({"ready": {"link": LINK}}, [packets.fileno(), open_socket().detach()])
        packets.close()
        self._selector.register(self._control, selectors.EVENT_READ, None)
        while True:
            for key, _events in self._selector.select():
                if key.data is not None:
                    self._reap(key.fd, key.data)
                elif not self._obey():
                    return

    def _obey(self) -> bool:
        message, fds, _flags, _address = socket.recv_fds(self._control, MAX_MESSAGE, 3)
        if not message:
            return False
        order = json.loads(message)
        if "spawn" in order:
            try:
                self._spawn(order, fds)
            except OSError as error:
                self._say({"refused": order["id"], "why": f"{order['spawn'][0]}: {error.strerror}"})
            for fd in fds:
                os.close(fd)
        elif (child := self._children.get(order["kill"])) is not None:
            child.kill()
        return True

    def _spawn(self, order: dict[str, Any], fds: Sequence[int]) -> None:
        side = order["side"]
        child = subprocess.Popen(
            order["spawn"], stdin=fds[0], stdout=fds[1], stderr=fds[2],
            env=order["env"], cwd=order["cwd"], preexec_fn=lambda: self._namespaces.enter(side),  # noqa: PLW1509  (this process has one thread)
        )  # fmt: skip
        self._children[order["id"]] = child
        self._selector.register(os.pidfd_open(child.pid), selectors.EVENT_READ, order["id"])
        self._say({"spawned": order["id"]})

    def _reap(self, pidfd: int, number: int) -> None:
        self._selector.unregister(pidfd)
        os.close(pidfd)
        self._say({"exited": number, "status": self._children.pop(number).wait()})

    def _say(self, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
        data = json.dumps(message).encode()
        if fds:
            socket.send_fds(self._control, [data], list(fds))
        else:
            self._control.send(data)


def main() -> None:
    """Run on the control socket whose descriptor is the only argument."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the harness decides when the lab ends
    control = socket.socket(fileno=int(sys.argv[1]))
    try:
        Keeper(control).serve()
    except (ConnectionError, BrokenPipeError):
        pass  # the harness is gone, and the lab goes with this process
    except Exception as error:
        control.send(json.dumps({"fatal": f"{type(error).__name__}: {error}"}).encode())
        raise


if __name__ == "__main__":
    main()
