"""From frames to segments: every link layer, IP version and odd header, cut anywhere, damaged at random."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_packets import ICMP, ICMPV6, LINKS, SYN_OPTIONS, TIMESTAMP, V4, V6, ipv4, ipv6, tcp

from hangup.wire import LINK_TYPES, Flags, Flow, Frame, IcmpError, Options, Segment, decode


def frame(data: bytes, *, link: int = 101, length: int | None = None) -> Frame:
    return Frame(7, 70, link, len(data) if length is None else length, data)


def segment(packet: bytes, *, length: int | None = None, checksums: bool = False) -> Segment:
    found = decode(frame(packet, length=length), checksums=checksums)
    assert isinstance(found, Segment)
    return found


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("name", LINKS)
def test_link_layer(name: str, version: int) -> None:
    link = LINKS[name]
    packet = ipv4(tcp()) if version == 4 else ipv6(tcp())
    addresses = V4 if version == 4 else V6
    assert decode(frame(link.wrap(packet), link=link.number)) == Segment(
        number=7,
        time_ns=70,
        src=addresses[0],
        sport=40000,
        dst=addresses[1],
        dport=9000,
        seq=1000,
        ack=2000,
        flags=Flags.PSH | Flags.ACK,
        window=512,
        length=5,
        ttl=61,
        ip_id=7 if version == 4 else None,
        options=Options(),
        payload=b"hello",
        checksum_ok=None,
    )


def test_every_link_type_is_tried_here_or_is_raw_ip() -> None:
    assert {link.number for link in LINKS.values()} | {228, 229} == LINK_TYPES
    assert decode(frame(ipv4(tcp()), link=228)) is not None
    assert decode(frame(ipv6(tcp()), link=229)) is not None


NO_IP = [
    ("ARP", 1, bytes(12) + b"\x08\x06" + bytes(50)),
    ("ARP in cooked", 113, bytes(14) + b"\x08\x06" + bytes(50)),
    ("802.3 length", 1, bytes(12) + b"\x00\x26" + bytes(50)),
    ("endless VLAN tags", 1, bytes(12) + b"\x81\x00\x00\x01" * 5000 + b"\x08\x00" + ipv4(tcp())),
    ("unknown link type", 147, ipv4(tcp())),
    ("IPv5", 101, b"\x55" + ipv4(tcp())[1:]),
    ("another address family", 0, struct.pack("<I", 7) + ipv4(tcp())),
    ("EtherType and version disagree", 1, bytes(12) + b"\x08\x00" + b"\x15" + ipv4(tcp())[1:]),
    ("UDP", 101, ipv4(tcp(), protocol=17)),
    ("a later fragment", 101, ipv4(tcp(), fragment=0x0010)),
    ("a later fragment of IPv6", 101, ipv6(tcp(), extensions=[(44, bytes([0, 0, 0, 0x58]) + bytes(4))])),
    ("IPv6 without a next header", 101, ipv6(tcp(), protocol=59)),
    ("encrypted", 101, ipv6(tcp(), protocol=50)),
    ("an IP header of 16 bytes", 101, b"\x44" + ipv4(tcp())[1:]),
    ("a TCP header of 16 bytes", 101, ipv4(tcp()[:12] + b"\x40" + tcp()[13:])),
    ("a TCP header longer than the packet", 101, ipv4(tcp()[:12] + b"\xf0" + tcp()[13:])),
    ("an IP length less than its headers", 101, ipv4(tcp(), total=39)),
    ("an endless chain of headers", 101, ipv6(tcp(), extensions=[(60, bytes(8))] * 300)),
]


@pytest.mark.parametrize(("link", "data"), [row[1:] for row in NO_IP], ids=[row[0] for row in NO_IP])
def test_what_is_no_tcp_segment(link: int, data: bytes) -> None:
    assert decode(frame(data, link=link)) is None


LENGTHS = [
    # a frame whose payload is 5 bytes, or as said, however it was carried
    ("Ethernet padding", ipv4(tcp()) + bytes(9), None, 5, b"hello"),
    ("Ethernet padding of a bare ACK", ipv4(tcp(payload=b"")) + bytes(6), None, 0, b""),
    ("IPv6 padding", ipv6(tcp()) + bytes(9), None, 5, b"hello"),
    ("snapped in the payload", ipv4(tcp(payload=b"x" * 1000))[:60], 1040, 1000, b"x" * 20),
    ("snapped at the payload", ipv6(tcp(payload=b"x" * 1000))[:60], 1060, 1000, b""),
    ("IP options", ipv4(tcp(), options=bytes(12)), None, 5, b"hello"),
    ("TCP options", ipv4(tcp(options=SYN_OPTIONS)), None, 5, b"hello"),
    ("segmentation left to the card", ipv4(tcp(payload=b"x" * 100), total=0), None, 100, b"x" * 100),
    ("the same, snapped", ipv4(tcp(payload=b"x" * 100), total=0)[:50], 70040, 70000, b"x" * 10),
    ("the same in IPv6", ipv6(tcp(payload=b"x" * 100), length=0), None, 100, b"x" * 100),
    ("a first fragment", ipv4(tcp(), fragment=0x2000), None, 5, b"hello"),
]


@pytest.mark.parametrize(
    ("packet", "wire", "length", "payload"), [row[1:] for row in LENGTHS], ids=[row[0] for row in LENGTHS]
)
def test_payload_is_what_ip_says(packet: bytes, wire: int | None, length: int, payload: bytes) -> None:
    found = segment(packet, length=wire)
    assert (found.length, found.payload) == (length, payload)


EXTENSIONS = {
    "hop-by-hop": (0, bytes(8)),
    "destination, 24 bytes": (60, b"\0\x02" + bytes(22)),
    "routing": (43, bytes(8)),
    "whole fragment": (44, bytes(8)),
    "first fragment": (44, b"\0\0\0\x01" + bytes(4)),
    "authentication, 24 bytes": (51, b"\0\x04" + bytes(22)),
    "mobility": (135, bytes(8)),
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_ipv6_extension_header(name: str) -> None:
    found = segment(ipv6(tcp(), extensions=[EXTENSIONS[name]]))
    assert (found.dport, found.length, found.payload) == (9000, 5, b"hello")


def test_ipv6_extension_headers_in_a_row() -> None:
    assert segment(ipv6(tcp(), extensions=EXTENSIONS.values())).payload == b"hello"


OPTIONS = [
    ("none", b"", Options()),
    ("timestamp, aligned", TIMESTAMP, Options(timestamp=(7, 9))),
    ("timestamp, alone", bytes.fromhex("080a 00000001 ffffffff"), Options(timestamp=(1, 0xFFFFFFFF))),
    (
        "of a SYN",
        SYN_OPTIONS,
        Options(mss=1460, window_scale=7, sack_permitted=True, timestamp=(7, 0)),
    ),
    ("two SACK blocks", b"\x01\x01\x05\x12" + bytes(16), Options(sack_blocks=2)),
    (
        "timestamp and SACK",
        TIMESTAMP + b"\x01\x01\x05\x0a" + bytes(8),
        Options(sack_blocks=1, timestamp=(7, 9)),
    ),
    ("unknown ones are passed over", bytes.fromhex("1e04beef 02041000"), Options(mss=4096)),
    ("nothing counts behind the end", bytes.fromhex("00 0402 01"), Options()),
    ("a length of 0", bytes.fromhex("0204ffff 0500 0101"), Options(mss=65535)),
    ("a length of 1", bytes.fromhex("0501 0402"), Options()),
    ("longer than the header", bytes.fromhex("0402 0822"), Options(sack_permitted=True)),
    ("of a wrong size", bytes.fromhex("0203ff 030400 00 0000"), Options()),
]


@pytest.mark.parametrize(("data", "options"), [row[1:] for row in OPTIONS], ids=[row[0] for row in OPTIONS])
def test_tcp_options(data: bytes, options: Options) -> None:
    assert segment(ipv4(tcp(options=data))).options == options


def test_tcp_options_that_were_cut_off() -> None:
    packet = ipv4(tcp(options=SYN_OPTIONS, payload=b""))
    assert segment(packet[:44], length=60).options == Options(mss=1460)


def test_blocks_of_an_option_that_is_longer_than_the_header_are_not_counted() -> None:
    assert segment(ipv4(tcp(options=b"\x05\x22" + bytes(16) + b"\x01\x01"))).options == Options()


@pytest.mark.parametrize("payload", [b"", b"odd", b"even", b"\xff" * 999])
@pytest.mark.parametrize("version", [4, 6])
def test_checksum(version: int, payload: bytes) -> None:
    addresses, carry = (V4, ipv4) if version == 4 else (V6, ipv6)
    good = tcp(payload=payload, addresses=addresses)
    assert segment(carry(good), checksums=True).checksum_ok is True
    assert segment(carry(good) + bytes(3), checksums=True).checksum_ok is True, "padding is not summed"
    assert segment(carry(good)).checksum_ok is None, "not asked for"
    for position in range(len(good)):
        bad = good[:position] + bytes([good[position] ^ 0x01]) + good[position + 1 :]
        if position != 12:  # the length of the header
            assert segment(carry(bad), checksums=True).checksum_ok is False


def test_checksum_left_to_the_network_card_cannot_be_told() -> None:
    whole = tcp(payload=b"x" * 50)
    pseudo = V4[0] + V4[1] + struct.pack("!BBH", 0, 6, len(whole))
    partial = sum(struct.unpack("!6H", pseudo))
    partial = (partial & 0xFFFF) + (partial >> 16)
    packet = ipv4(whole[:16] + struct.pack("!H", partial) + whole[18:])
    assert segment(packet, checksums=True).checksum_ok is None


def test_checksum_of_what_was_not_captured_cannot_be_told() -> None:
    packet = ipv4(tcp(payload=b"x" * 50, addresses=V4))
    assert segment(packet[:-1], length=len(packet), checksums=True).checksum_ok is None
    assert segment(ipv4(tcp(addresses=V4), fragment=0x2000), checksums=True).checksum_ok is None
    routed = ipv6(tcp(addresses=V6), extensions=[(43, b"\0\0\0\x01" + bytes(4))])
    assert segment(routed, checksums=True).checksum_ok is None


QUOTED = ipv4(tcp(flags="S", payload=b"", seq=4242))
QUOTED6 = ipv6(tcp(flags="S", payload=b"", seq=4242))
ROUTER = (bytes([203, 0, 113, 9]), V4[0])
ROUTER6 = (V6[1], V6[0])


@pytest.mark.parametrize("quoted", [28, 40], ids=["8 octets, as RFC 792 asks", "the whole header"])
@pytest.mark.parametrize(("kind", "code"), [(3, 1), (3, 3), (3, 13), (4, 0), (11, 0), (12, 0)])
def test_icmp_error(kind: int, code: int, quoted: int) -> None:
    packet = ipv4(bytes([kind, code, *bytes(6)]) + QUOTED[:quoted], protocol=ICMP, addresses=ROUTER, ttl=250)
    found = decode(frame(packet))
    assert found == IcmpError(
        number=7,
        time_ns=70,
        src=ROUTER[0],
        dst=V4[0],
        ttl=250,
        type=kind,
        code=code,
        flow=Flow(V4[0], 40000, V4[1], 9000),
        seq=4242,
    )
    assert found.version == 4


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_icmpv6_error(kind: int) -> None:
    found = decode(frame(ipv6(bytes([kind, 4, *bytes(6)]) + QUOTED6, protocol=ICMPV6, addresses=ROUTER6)))
    assert isinstance(found, IcmpError)
    assert (found.version, found.type, found.code, found.flow) == (
        6,
        kind,
        4,
        Flow(V6[0], 40000, V6[1], 9000),
    )


def test_the_codes_of_icmp_say_nothing_of_icmpv6() -> None:
    packets = (
        ipv4(bytes([3, 1, *bytes(6)]) + QUOTED, protocol=ICMP, addresses=ROUTER),
        ipv6(bytes([3, 1, *bytes(6)]) + QUOTED6, protocol=ICMPV6, addresses=ROUTER6),
    )
    found = [decode(frame(packet)) for packet in packets]
    assert [isinstance(error, IcmpError) and error.kind for error in found] == ["host-unreachable", "type 3 code 1"]


NO_ICMP = [
    ("echo reply", ipv4(bytes(8) + QUOTED, protocol=ICMP)),
    ("redirect", ipv4(bytes([5, *bytes(7)]) + QUOTED, protocol=ICMP)),
    ("of UDP", ipv4(bytes([3, 3, *bytes(6)]) + ipv4(tcp(), protocol=17), protocol=ICMP)),
    ("quotes too little", ipv4(bytes([3, 3, *bytes(6)]) + QUOTED[:27], protocol=ICMP)),
    ("quotes nothing", ipv4(bytes([3, 3]), protocol=ICMP)),
    ("neighbour solicitation", ipv6(bytes([135, *bytes(7)]) + QUOTED6, protocol=ICMPV6)),
    ("ICMPv6's numbers in IPv4", ipv4(bytes([1, 4, *bytes(6)]) + QUOTED, protocol=ICMP)),
]


@pytest.mark.parametrize("packet", [row[1] for row in NO_ICMP], ids=[row[0] for row in NO_ICMP])
def test_what_is_no_icmp_error_of_tcp(packet: bytes) -> None:
    assert decode(frame(packet)) is None


@pytest.mark.parametrize("name", LINKS)
def test_a_frame_cut_anywhere_is_a_segment_once_its_header_is_there(name: str) -> None:
    link = LINKS[name]
    packet = ipv6(tcp(options=TIMESTAMP), extensions=EXTENSIONS.values())
    data = link.wrap(packet)
    needed = len(data) - len(TIMESTAMP) - len(b"hello") - 4
    for cut in range(len(data) + 1):
        found = decode(frame(data[:cut], link=link.number, length=len(data)), checksums=True)
        assert (found is not None) == (cut >= needed), cut
        if found is not None:
            assert isinstance(found, Segment)
            assert found.length == 5


@given(st.sampled_from(sorted(LINK_TYPES)), st.binary(max_size=200), st.integers(0, 1 << 32), st.booleans())
def test_random_bytes_never_do_harm(link: int, data: bytes, length: int, checksums: bool) -> None:
    decode(Frame(1, 0, link, length, data), checksums=checksums)


PACKETS = [
    *(link.wrap(ipv4(tcp(options=SYN_OPTIONS, addresses=V4))) for link in LINKS.values()),
    *(link.wrap(ipv6(tcp(), extensions=EXTENSIONS.values())) for link in LINKS.values()),
    LINKS["ethernet"].wrap(ipv4(bytes([3, 3, *bytes(6)]) + QUOTED, protocol=ICMP)),
]


@given(st.sampled_from(PACKETS), st.lists(st.tuples(st.integers(0, 199), st.integers(0, 255)), max_size=6))
def test_damaged_packets_never_do_harm(packet: bytes, damage: list[tuple[int, int]]) -> None:
    data = bytearray(packet)
    for position, value in damage:
        data[position % len(data)] = value
    for link in LINK_TYPES:
        found = decode(Frame(1, 0, link, len(data), bytes(data)), checksums=True)
        if isinstance(found, Segment):
            assert found.length >= 0
            assert len(found.payload) <= found.length
