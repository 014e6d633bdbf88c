"""A host without programs: holds one network namespace of a container lab for those that are to run in it.

`python -m hangup_server.host SOCKET SIDE [OPTION...]` runs as the first container of a namespace. It makes the wire
plain (a capture then shows segments as a wire carries them), leaves no way out, sets a route where it is asked to,
opens the packet and sock_diag sockets, and passes them to the harness over the unix socket at the path SOCKET. Then it
gives up every right it had, and stays until the harness closes that socket, or dies: so no namespace outlives its
harness. Meanwhile it tells, of any address that it is asked for, what a connection from here comes to.

Linux only, and standard library only. A message is a JSON object:

  host:    {"ready": SIDE, "withholds": bool} or {"fatal": "why"}
  harness: {"connect": [HOST, PORT]}
  host:    {"told": "ECONNREFUSED"}    what a request there gets: an error by its name, or "" for the end of the stream
"""

from __future__ import annotations

import argparse
import array
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import struct
import sys

from hangup_server.egress import withhold_acks

_CONNECT_SECONDS = 2.0
_MESSAGE = 4096
_SIOCADDRT, _SIOCDELRT = 0x890B, 0x890C
_SIOCETHTOOL = 0x8946
# ETHTOOL_S{RXCSUM,TXCSUM,SG,TSO,UFO,GSO,GRO}
_OFFLOADS = (0x15, 0x17, 0x19, 0x1F, 0x22, 0x24, 0x2C)
_RTF_UP, _RTF_GATEWAY, _RTF_HOST = 1, 2, 4
# struct rtentry: pad; destination, gateway, mask; flags; pad; pad; pad; metric; device; mtu, window; irtt
_ROUTE = struct.Struct("L 16s 16s 16s H h L P h P L L H 0L")
_SOCKADDR_IN = struct.Struct("=H2x4s8x")
_NETLINK_SOCK_DIAG = 4
_CAPABILITY_VERSION_3 = 0x20080522


def plain_wire(interface: str) -> None:
    """Switches off the interface's offloads; one that the kernel does not know is left alone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for command in _OFFLOADS:
            value = array.array("I", [command, 0])
            try:
                fcntl.ioctl(sock, _SIOCETHTOOL, struct.pack("16sP", interface.encode(), value.buffer_info()[0]))
            except OSError:
                continue


def add_route(destination: str, gateway: str) -> None:
    """Routes one address by way of another."""
    flags = _RTF_UP | _RTF_GATEWAY | _RTF_HOST
    addresses = (_sockaddr(destination), _sockaddr(gateway), _sockaddr("255.255.255.255"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCADDRT, _ROUTE.pack(0, *addresses, flags, 0, 0, 0, 0, 0, 0, 0, 0))


def remove_default_route() -> None:
    """What no other route leads to is unreachable then, as a network without a way out should be. Some engines give
    their internal networks a gateway all the same."""
    route = _ROUTE.pack(0, *(_sockaddr("0.0.0.0"),) * 3, _RTF_UP | _RTF_GATEWAY, 0, 0, 0, 0, 0, 0, 0, 0)  # noqa: S104
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, contextlib.suppress(ProcessLookupError):
        fcntl.ioctl(sock, _SIOCDELRT, route)  # ESRCH: there is none


def _sockaddr(address: str) -> bytes:
    return _SOCKADDR_IN.pack(socket.AF_INET, socket.inet_aton(address))


def give_up_rights() -> None:
    """Drops every capability, for good: `no-new-privileges` keeps them from coming back."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(header, bytes(24)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, "capset: " + os.strerror(number))


def _set_up(given: argparse.Namespace) -> list[socket.socket]:
    """The sockets to pass."""
    plain_wire(given.interface)
    remove_default_route()
    if given.route is not None:
        add_route(*given.route)
    if given.side != "client":
        return []
    return [
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0),  # bound by the harness, when its ring stands
        socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG),
    ]


def _withhold(interface: str, address: str | None) -> bool:
    """Whether it can be done here: a kernel may lack what it takes."""
    if address is None:
        return False
    try:
        withhold_acks(interface, address)
    except OSError:
        return False
    return True


def connect(address: tuple[str, int]) -> str:
    """What a request there gets."""
    try:
        with socket.create_connection(address, _CONNECT_SECONDS) as sock:
            sock.sendall(b"?")
            return "an answer" if sock.recv(1) else ""
    except OSError as error:  # a time-out has no number
        return errno.errorcode.get(error.errno or errno.ETIMEDOUT, str(error))


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 when the harness is gone, 1 where the namespace cannot be set up."""
    parser = argparse.ArgumentParser(prog="python -m hangup_server.host")
    parser.add_argument("socket", metavar="SOCKET")
    parser.add_argument("side", choices=["client", "peer"])
    parser.add_argument("--interface", default="eth0", metavar="NAME")
    parser.add_argument("--route", nargs=2, metavar=("ADDRESS", "GATEWAY"))
    parser.add_argument("--withhold-acks", metavar="ADDRESS", help="send no bare ACK there")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.connect(given.socket)
        try:
            sockets = _set_up(given)
            withholds = _withhold(given.interface, given.withhold_acks)
            give_up_rights()
        except OSError as error:
            control.send(json.dumps({"fatal": f"{given.side} side: {error}"}).encode())
            return 1
        descriptors = array.array("i", [sock.fileno() for sock in sockets])
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)] if sockets else []
        control.sendmsg([json.dumps({"ready": given.side, "withholds": withholds}).encode()], ancillary)
        for sock in sockets:
            sock.close()
        while asked := control.recv(_MESSAGE):
            host, port = json.loads(asked)["connect"]
            control.send(json.dumps({"told": connect((host, port))}).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
