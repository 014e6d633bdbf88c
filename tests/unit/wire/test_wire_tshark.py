"""The same captures read by tshark: another implementation must find the same segments, endings and bytes."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from wire_packets import (
    BITS,
    HANDSHAKE,
    ICMP,
    ICMPV6,
    LINKS,
    SYN_OPTIONS,
    TIMESTAMP,
    V4,
    V6,
    enhanced,
    interface,
    ipv4,
    ipv6,
    option,
    section,
    segments,
    tcp,
)

from hangup.wire import Frame, IcmpError, PcapWriter, Segment, connections, decode, host, read_capture

if TYPE_CHECKING:
    from pathlib import Path

    from hangup.wire import Connection

TSHARK = shutil.which("tshark")
pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")


def tshark(capture: Path, *fields: str, only: str = "tcp or icmp or icmpv6") -> list[list[str]]:
    """The fields of each frame; a frame that has a field several times gives the first one."""
    assert TSHARK is not None
    command = [TSHARK, "-n", "-r", str(capture), "-Y", only, "-T", "fields", "-E", "occurrence=f"]
    command += ["-o", "tcp.check_checksum:TRUE", "-o", "tcp.relative_sequence_numbers:FALSE"]
    for field in fields:
        command += ["-e", field]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return [line.split("\t") for line in run.stdout.splitlines()]


EXTENSIONS = [
    (0, b"\0\0\x01\x04" + bytes(4)),
    (43, bytes(8)),
    (44, bytes(8)),
    (60, b"\0\0\x01\x04" + bytes(4)),
]

PACKETS = [
    packet
    for addresses, carry in ((V4, ipv4), (V6, ipv6))
    for packet in (
        carry(tcp(addresses=addresses)),
        carry(tcp(flags="S", payload=b"", options=SYN_OPTIONS, addresses=addresses)),
        carry(tcp(flags="FA", options=TIMESTAMP, seq=2**32 - 1, payload=b"x" * 333, addresses=addresses)),
        carry(tcp(flags="R", window=0, payload=b"", ack=0, addresses=addresses)),
        carry(tcp(sport=1, dport=65535, addresses=addresses)[:-1] + b"?"),  # a wrong checksum
        carry(tcp(flags="SFRPAU", addresses=addresses)),
        carry(tcp(payload=b"", addresses=addresses)) + bytes(6),
    )
]
PACKETS += [
    ipv4(tcp(addresses=V4), options=b"\x94\x04\0\0", ttl=1, ident=0),
    ipv6(tcp(addresses=V6), extensions=EXTENSIONS, ttl=255),
    ipv4(tcp(), fragment=0x0100),
    ipv4(bytes([3, 13, *bytes(6)]) + ipv4(tcp(seq=99)), protocol=ICMP, addresses=(V4[1], V4[0])),
    ipv6(bytes([1, 4, *bytes(6)]) + ipv6(tcp(seq=99)), protocol=ICMPV6, addresses=(V6[1], V6[0])),
]

FIELDS = (
    *(
        "frame.number",
        "frame.time_epoch",
        "frame.len",
        "ip.src",
        "ipv6.src",
        "tcp.srcport",
        "tcp.dstport",
        "tcp.seq",
    ),
    *("tcp.ack_raw", "tcp.flags", "tcp.window_size_value", "tcp.len", "ip.ttl", "ipv6.hlim", "ip.id"),
    *(
        "tcp.options.timestamp.tsval",
        "tcp.options.mss_val",
        "tcp.checksum.status",
        "icmp.code",
        "icmpv6.code",
    ),
)
CHECKSUM = {"0": False, "1": True, "2": None}


def as_tshark_says(frame: Frame, found: Segment | IcmpError) -> list[str]:
    """The values of FIELDS; of an ICMP error, tshark's TCP fields are those of the quoted segment."""
    seconds, fraction = divmod(frame.time_ns, 1_000_000_000)
    six = len(found.src) == 16
    start = [str(frame.number), f"{seconds}.{fraction:09}", str(frame.length)]
    start += ["", host(found.src)] if six else [host(found.src), ""]
    if isinstance(found, IcmpError):
        return [*start, str(found.flow.sport), str(found.flow.dport), str(found.seq), str(found.code)]
    mss, timestamp = found.options.mss, found.options.timestamp
    return [
        *start,
        *map(str, (found.sport, found.dport, found.seq, found.ack)),
        f"0x{found.flags:04x}",
        str(found.window),
        str(found.length),
        *(["", str(found.ttl)] if six else [str(found.ttl), ""]),
        "" if found.ip_id is None else f"0x{found.ip_id:04x}",
        "" if timestamp is None else str(timestamp[0]),
        "" if mss is None else str(mss),
        str(found.checksum_ok),
    ]


def comparable(row: list[str]) -> list[str]:
    """A row of tshark's in the form that `as_tshark_says` gives."""
    icmp_code = "".join(row[18:20])
    if icmp_code:
        return [*row[:8], icmp_code]
    return [*row[:17], str(CHECKSUM[row[17]])]


@pytest.mark.parametrize("name", LINKS)
def test_every_field(name: str, tmp_path: Path) -> None:
    capture = tmp_path / "capture.pcap"
    link = LINKS[name]
    with capture.open("wb") as stream:
        writer = PcapWriter(stream, link.number)
        for number, packet in enumerate(PACKETS, 1):
            writer.write(1_700_000_000_000_000_000 + number * 1_000_000_007, link.wrap(packet))
    with capture.open("rb") as stream:
        frames = list(read_capture(stream))
    ours = [(frame, decode(frame, checksums=True)) for frame in frames]
    rows = tshark(capture, *FIELDS)
    assert len(rows) == len(PACKETS) - 1, "all but the later fragment"
    assert [comparable(row) for row in rows] == [as_tshark_says(frame, found) for frame, found in ours if found]


def test_pcapng_clocks(tmp_path: Path) -> None:
    capture = tmp_path / "capture.pcapng"
    link = LINKS["ethernet"]
    clocks = [
        (b"", 1_700_000_000_123_456),
        (option(9, b"\x09"), 1_700_000_000_123_456_789),
        (option(9, b"\x8a"), 1_740_800),
    ]
    capture.write_bytes(
        section()
        + b"".join(interface(link.number, options) for options, _ in clocks)
        + b"".join(enhanced(link.wrap(PACKETS[0]), ticks, index) for index, (_, ticks) in enumerate(clocks))
    )
    with capture.open("rb") as stream:
        ours = [f"{frame.time_ns / 1e9:.6f}" for frame in read_capture(stream)]
    assert ours == [f"{float(row[0]):.6f}" for row in tshark(capture, "frame.time_epoch")]


CONVERSATIONS = [
    (
        *HANDSHAKE,
        "> PA 1 1 10",
        "< A 1 11",
        "< PA 1 11 20",
        "> A 11 21",
        "> FA 11 21",
        "< FA 21 12",
        "> A 12 22",
    ),
    (*HANDSHAKE, "> PA 1 1 10", "< RA 1 11"),
    (*HANDSHAKE, "< FA 1 1", "> A 1 2", "> PA 1 2 10", "< R 2"),
    (*HANDSHAKE, "> PA 1 1 500", "> PA 1 1 500", "> PA 501 1 500", "< A 1 1001", "> RA 1001 1"),
    ("> S 0", "> S 0", "< RA 0 1"),
    (*HANDSHAKE, "< PA 1 1 1000", "> A 1 1001", "> R 1"),
]


@pytest.fixture(scope="module")
def conversations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them one after the other, each from a client port of its own; the second half wraps."""
    capture = tmp_path_factory.mktemp("tshark") / "conversations.pcap"
    with capture.open("wb") as stream:
        writer = PcapWriter(stream, 101)
        for index, steps in enumerate(CONVERSATIONS * 2):
            isn = 2**32 - 5 if index >= len(CONVERSATIONS) else 77
            for s in segments(*steps, client=40000 + index, client_isn=isn, server_isn=isn):
                letters = "".join(letter for letter, bit in BITS.items() if s.flags & bit)
                body = b"x" * s.length
                data = tcp(s.sport, s.dport, s.seq, s.ack, letters, body, window=s.window, addresses=(s.src, s.dst))
                writer.write(s.time_ns, ipv4(data, addresses=(s.src, s.dst)))
    return capture


def resets(connection: Connection) -> list[tuple[int, str]]:
    address = {"orig": connection.orig.address, "resp": connection.resp.address}
    return [(reset.number, address[reset.by]) for reset in connection.resets]


def test_who_reset_and_how_much_was_sent(conversations: Path) -> None:
    with conversations.open("rb") as stream:
        found = connections(read_capture(stream), checksums=True)
    fields = (
        "tcp.stream",
        "frame.number",
        "ip.src",
        "tcp.len",
        "tcp.flags.reset",
        "tcp.analysis.retransmission",
    )
    rows = tshark(conversations, *fields)
    assert len(found) == len(CONVERSATIONS) * 2
    for stream_number, connection in enumerate(found):
        mine = [row for row in rows if row[0] == str(stream_number)]
        assert resets(connection) == [(int(row[1]), row[2]) for row in mine if row[4] == "1"]
        for side, sent in (
            (connection.orig, connection.orig_bytes),
            (connection.resp, connection.resp_bytes),
        ):
            assert sent == sum(int(row[3]) for row in mine if row[2] == side.address and not row[5])
        again = connection.orig_retransmissions + connection.resp_retransmissions
        assert again == sum(1 for row in mine if row[5])
