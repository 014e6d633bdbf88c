"""Forged segments are what their receiver takes for the other side's, but for their TTL and IP id."""

from __future__ import annotations

import pytest

from hangup.labs.forge import IP_ID, TTL, Forged
from hangup.wire import Flags, Frame, Segment, decode

LINKTYPE_RAW = 101
CLIENT, PEER = ("192.0.2.1", 40000), ("198.51.100.2", 9000)


@pytest.mark.parametrize("seq", [0, 0x12345678, 0xFFFFFFFF, 0x1_0000_0005], ids=hex)
def test_a_forged_rst(seq: int) -> None:
    data = Forged(PEER, CLIENT, seq, 0xFFFFFFF0).packet()
    segment = decode(Frame(1, 0, LINKTYPE_RAW, len(data), data), checksums=True)
    assert isinstance(segment, Segment)
    assert (segment.sport, segment.dport) == (PEER[1], CLIENT[1])
    assert (segment.seq, segment.ack) == (seq & 0xFFFFFFFF, 0xFFFFFFF0)
    assert segment.flags == Flags.RST | Flags.ACK
    assert (segment.ttl, segment.ip_id, segment.length) == (TTL, IP_ID, 0)
    assert segment.checksum_ok is True
