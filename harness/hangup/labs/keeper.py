"""The keeper: first process of a netns lab, and the owner of all that the lab is made of.

``unshare`` starts it in new network and PID namespaces (and, for an ordinary user, a user namespace). It makes the
other network namespaces and joins them (``topology``), opens the sockets that the harness may not open itself, starts
programs on either side, and makes the faults that a trial asks for (``faults``). All of that lives only as long as
this process does: the namespaces have no name and no mount, and the kernel kills what is left in the PID namespace
when its first process ends. So the lab is gone when the harness closes its socket, or dies in any way, SIGKILL
included.

It talks over one SOCK_SEQPACKET socket, a JSON object a message, file descriptors beside it:

  keeper:  {"ready": {...}} with [packet socket, sock_diag socket]    or {"fatal": "why"}
  harness: {"spawn": argv, "id": n, "env": {...}, "cwd": ..., "side": "client"|"peer"} with [stdin, stdout, stderr]
           {"kill": n}
           {"fault": order, "id": n, "given": {...}}
  keeper:  {"spawned": n} | {"refused": n, "why": ...} | {"exited": n, "status": ...} | {"made": n}
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from hangup.labs.faults import Faults
from hangup.labs.nftables import NftablesError
from hangup.labs.sockdiag import open_socket
from hangup.labs.topology import LINK, Namespaces, wire_up

MAX_MESSAGE = 128 << 10


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
        self._faults = Faults(self._namespaces)
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # bound by the harness, when its ring stands
        ready = {"link": LINK, "offers": sorted(self._faults.offers())}
        self._say({"ready": ready}, [packets.fileno(), open_socket().detach()])
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
        elif "fault" in order:
            self._make(order)
        elif (child := self._children.get(order["kill"])) is not None:
            child.kill()
        return True

    def _make(self, order: dict[str, Any]) -> None:
        try:
            self._faults.obey(order["fault"], order["given"])
        except (OSError, NftablesError) as error:
            self._say({"refused": order["id"], "why": f"{order['fault']}: {error}"})
        else:
            self._say({"made": order["id"]})

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
