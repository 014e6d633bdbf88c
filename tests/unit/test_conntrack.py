"""The message that has the kernel forget a connection, as netlink reads it."""

from __future__ import annotations

import sys

import pytest

if sys.platform != "linux":
    pytest.skip("ctnetlink is Linux's", allow_module_level=True)

from pyroute2.netlink import NLM_F_ACK, NLM_F_REQUEST
from pyroute2.netlink.nfnetlink import NFNL_SUBSYS_CTNETLINK
from pyroute2.netlink.nfnetlink.nfctsocket import IPCTNL_MSG_CT_DELETE, nfct_msg

from hangup.labs.conntrack import delete_message


@pytest.mark.parametrize(("port", "remote"), [(9000, 40000), (1, 65535), (0x1234, 0x00FF)])
def test_it_names_the_tuple_of_the_replies(port: int, remote: int) -> None:
    data = delete_message(("192.0.2.2", port), ("198.51.100.254", remote))
    message = nfct_msg(data)
    message.decode()
    header = message["header"]
    assert header["length"] == len(data)
    assert header["type"] == NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE
    assert header["flags"] == NLM_F_REQUEST | NLM_F_ACK
    assert [name for name, _ in message["attrs"]] == ["CTA_TUPLE_REPLY"]
    replies = message.get_attr("CTA_TUPLE_REPLY")
    addresses, protocol = replies.get_attr("CTA_TUPLE_IP"), replies.get_attr("CTA_TUPLE_PROTO")
    assert addresses.get_attr("CTA_IP_V4_SRC") == "192.0.2.2"
    assert addresses.get_attr("CTA_IP_V4_DST") == "198.51.100.254"
    assert protocol.get_attr("CTA_PROTO_NUM") == 6
    assert (protocol.get_attr("CTA_PROTO_SRC_PORT"), protocol.get_attr("CTA_PROTO_DST_PORT")) == (port, remote)
