"""Live capture: a ring of packets shared with the kernel (packet(7), TPACKET_V2), at the client's side of a lab.

Version 2 of the ring shows each packet as soon as it is there. Version 3 hands over blocks, and what is in an
unfinished block at the end has to be waited for; a plain ``recv`` loop loses packets under load.
"""

from __future__ import annotations

import mmap
import socket
import struct
import sys

from hangup.wire.frames import Frame

LINKTYPE_ETHERNET = 1

_SOL_PACKET = 263
_PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION, _PACKET_IGNORE_OUTGOING = 5, 6, 10, 23
_TPACKET_V2 = 1
_ETH_P_ALL = 0x0003
_BLOCK, _BLOCKS, _FRAME = 1 << 20, 32, 2048  # 16,384 packets of up to some 1,960 bytes
_HEADER = struct.Struct("=IIIHHII")  # struct tpacket2_hdr: status, len, snaplen, mac, net, sec, nsec
_STATUS = struct.Struct("=I")
_KERNEL, _USER = 0, 1

SNAP = _FRAME - 96
"""Bytes of a packet that are certain to be kept."""


class Ring:
    """Packets of one interface, from now until ``close``.

    ``loopback``: the interface shows every packet twice, going out and coming in; only the second is taken.
    Raises OSError where the ring cannot be set up.
    """

    def __init__(self, sock: socket.socket, interface: str, *, loopback: bool = False) -> None:
        assert sys.platform == "linux"
        self._sock = sock
        self._index = 0
        self._count = _BLOCK // _FRAME * _BLOCKS
        self.captured = 0
        """Packets taken from the ring."""
        self.dropped = 0
        """Packets that the kernel had no room for."""
        sock.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V2)
        if loopback:
            sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        request = struct.pack("=IIII", _BLOCK, _BLOCKS, _FRAME, self._count)
        sock.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)
        self._map = mmap.mmap(sock.fileno(), _BLOCK * _BLOCKS)
        sock.bind((interface, _ETH_P_ALL))

    def fileno(self) -> int:
        """Readable when packets are there."""
        return self._sock.fileno()

    def drain(self) -> list[Frame]:
        """All packets that have come since the last call; none once it is closed, as of a run that ends."""
        frames: list[Frame] = []
        if self._map.closed:
            return frames
        ring, unpack = self._map, _HEADER.unpack_from
        while True:
            at = self._index * _FRAME
            status, length, snapped, mac, _net, seconds, nanoseconds = unpack(ring, at)
            if not status & _USER:
                return frames
            self.captured += 1
            data = ring[at + mac : at + mac + snapped]
            frames.append(Frame(self.captured, seconds * 1_000_000_000 + nanoseconds, LINKTYPE_ETHERNET, length, data))
            _STATUS.pack_into(ring, at, _KERNEL)
            self._index = (self._index + 1) % self._count

    def new_drops(self) -> int:
        """Packets dropped since the last call."""
        _packets, drops = struct.unpack("=II", self._sock.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        self.dropped += drops
        return int(drops)

    def close(self) -> None:
        """Let go of the ring; the last packets were taken by the last ``drain``."""
        self._map.close()
        self._sock.close()
