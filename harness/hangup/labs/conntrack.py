"""What the kernel's connection tracking is told by ctnetlink: to forget one connection, as ``conntrack --delete`` does.

An entry has two tuples, one for each way that its packets go, and where addresses are translated neither is the other
turned round. It is found here by that of the replies: what the peer sends, to whom it believes the client to be.
"""

from __future__ import annotations

import socket

from pyroute2.netlink.nfnetlink import NFNL_SUBSYS_CTNETLINK
from pyroute2.netlink.nfnetlink.nfctsocket import IPCTNL_MSG_CT_DELETE, NFCTAttrTuple, nfct_msg

from hangup.labs.netlink import NLM_F_ACK, NLM_F_REQUEST, order

_NETLINK_NETFILTER = 12

End = tuple[str, int]


class Conntrack:
    """The table of the network namespace that it is made in. Raises OSError where the kernel has no ctnetlink."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)

    def forget(self, source: End, destination: End) -> None:
        """Delete the entry whose replies go from ``source`` to ``destination``.

        Raises OSError: ENOENT where there is no such entry, EPERM without CAP_NET_ADMIN over the namespace.
        """
        order(self._socket, delete_message(source, destination))


def delete_message(source: End, destination: End) -> bytes:
    """The whole netlink message, which asks for an answer."""
    replies = NFCTAttrTuple(
        saddr=source[0], daddr=destination[0], proto=socket.IPPROTO_TCP, sport=source[1], dport=destination[1]
    )
    message = nfct_msg()
    message["nfgen_family"] = socket.AF_INET
    message["header"] = {
        "type": NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, "flags": NLM_F_REQUEST | NLM_F_ACK
    }  # fmt: skip
    message["attrs"] = [["CTA_TUPLE_REPLY", {"attrs": replies.attrs()}]]
    message.encode()
    return bytes(message.data)
