"""Reads captures: from the bytes of a pcap or pcapng file to TCP connections, and how each of them ended.

    stream ─ read_capture → Frame ─ decode → Segment | IcmpError ─ ConnectionTable → Connection

All of it is pure: no network, no clock, no files but the stream it is given. Each step works alone, frame
by frame, so a live capture can be fed into the same table as a file.

| module | knows |
| --- | --- |
| `frames`, `capture`, `pcap`, `pcapng` | file formats, damaged files |
| `link`, `decode`, `options`, `checksum` | link layers, IP, TCP headers, ICMP errors |
| `segments`, `sequence` | what a segment is, how its numbers wrap |
| `zeek`, `machine`, `side`, `delivery` | Zeek's rules for conn_state and history |
| `direction`, `connection`, `table` | bytes, endings, acknowledgements, which segment belongs where |
"""

from .capture import read_capture
from .connection import Connection, Endpoint
from .decode import decode
from .direction import By, Ending
from .frames import CaptureError, Frame
from .link import LOCATE
from .pcap import PcapWriter, read_pcap
from .pcapng import read_pcapng
from .segments import Flags, Flow, IcmpError, Options, Segment, host
from .table import ConnectionTable, connections
from .zeek import ConnState

LINK_TYPES = frozenset(LOCATE)
"""The LINKTYPE numbers whose frames `decode` understands."""

__all__ = [
    "LINK_TYPES",
    "By",
    "CaptureError",
    "ConnState",
    "Connection",
    "ConnectionTable",
    "Ending",
    "Endpoint",
    "Flags",
    "Flow",
    "Frame",
    "IcmpError",
    "Options",
    "PcapWriter",
    "Segment",
    "connections",
    "decode",
    "host",
    "read_capture",
    "read_pcap",
    "read_pcapng",
]
