"""What the kernel's connection tracking is told by ctnetlink: to forget one connection, as ``conntrack --delete`` does.

An entry has two tuples, one for each way that its packets go, and where addresses are translated neither is the other
turned round. It is found here by that of the replies: what the peer sends, to whom it believes the client to be.
"""

from __future__ import annotations

import os
import socket
import struct

_NETLINK_NETFILTER = 12
_DELETE = 1 << 8 | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
_NLM_F_REQUEST, _NLM_F_ACK = 1, 4

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_FAMILY = struct.Struct("!BBH")  # struct nfgenmsg: family, version, resource
_ATTRIBUTE = struct.Struct("=HH")  # struct nlattr: length, type
_NESTED = 0x8000
_TUPLE_REPLY = 2 | _NESTED
_TUPLE_IP, _TUPLE_PROTO = 1 | _NESTED, 2 | _NESTED
_SOURCE, _DESTINATION = 1, 2  # of CTA_IP_V4_*
_PROTOCOL, _SOURCE_PORT, _DESTINATION_PORT = 1, 2, 3  # of CTA_PROTO_*

End = tuple[str, int]


class Conntrack:
    """The table of the network namespace that it is made in. Raises OSError where the kernel has no ctnetlink."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)

    def forget(self, source: End, destination: End) -> None:
        """Delete the entry whose replies go from ``source`` to ``destination``.

        Raises OSError: ENOENT where there is no such entry, EPERM without CAP_NET_ADMIN over the namespace.
        """
        self._socket.send(delete_message(source, destination))
        (number,) = struct.unpack_from("=16xi", self._socket.recv(4096))  # struct nlmsgerr: 0, or minus the number
        if number:
            raise OSError(-number, os.strerror(-number))


def delete_message(source: End, destination: End) -> bytes:
    """The whole netlink message, which asks for an answer."""
    addresses = [
        _attribute(_SOURCE, socket.inet_aton(source[0])),
        _attribute(_DESTINATION, socket.inet_aton(destination[0])),
    ]
    protocol = [
        _attribute(_PROTOCOL, bytes([socket.IPPROTO_TCP])),
        _attribute(_SOURCE_PORT, source[1].to_bytes(2, "big")),
        _attribute(_DESTINATION_PORT, destination[1].to_bytes(2, "big")),
    ]
    reply = _attribute(_TUPLE_REPLY, _attribute(_TUPLE_IP, *addresses), _attribute(_TUPLE_PROTO, *protocol))
    body = _FAMILY.pack(socket.AF_INET, 0, 0) + reply
    return _HEADER.pack(_HEADER.size + len(body), _DELETE, _NLM_F_REQUEST | _NLM_F_ACK, 0, 0) + body


def _attribute(kind: int, *parts: bytes) -> bytes:
    """A value, or the attributes nested in it. Padded to whole words; the length is that without the padding."""
    value = b"".join(parts)
    size = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(size, kind) + value + b"\0" * (-size % 4)
