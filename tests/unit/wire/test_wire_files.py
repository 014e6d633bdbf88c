"""Capture files: every byte order, clock and block, cut off at every byte, and damaged at random."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_packets import Meter, block, enhanced, interface, option, pcap, section

from hangup.wire import CaptureError, Frame, PcapWriter, read_capture, read_pcap, read_pcapng
from hangup.wire.frames import MAX_CAPTURED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTENTS = [b"first", b"", b"the third"]


def read_all(stream: BinaryIO) -> tuple[list[Frame], CaptureError | None]:
    """What could be read, and what then stood in the way."""
    frames: list[Frame] = []
    try:
        for frame in read_capture(stream):
            frames.append(frame)  # noqa: PERF402  # what came before the error must be kept
    except CaptureError as error:
        return frames, error
    return frames, None


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize(
    ("magic", "tick"),
    [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1), (0xA1B2CD34, 1000)],
    ids=["microseconds", "nanoseconds", "modified"],
)
def test_pcap(magic: int, tick: int, order: str) -> None:
    file = pcap(CONTENTS, magic=magic, order=order, link=113)
    expected = [
        Frame(number, number * 1_000_000_000 + 5 * tick, 113, len(data) + 3, data)
        for number, data in enumerate(CONTENTS, 1)
    ]
    assert list(read_capture(io.BytesIO(file))) == expected
    assert list(read_pcap(io.BytesIO(file))) == expected


def test_pcap_link_type_with_a_frame_check_sequence_noted_above_it() -> None:
    (frame,) = read_capture(io.BytesIO(pcap([b"x"], link=0x1400_0001)))
    assert frame.link == 1


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize(
    ("resolution", "ticks", "time_ns"),
    [
        (None, 1_500_000, 1_500_000_000),
        (0, 7, 7_000_000_000),
        (3, 1_500, 1_500_000_000),
        (6, 1_500_000, 1_500_000_000),
        (9, 1_500_000_001, 1_500_000_001),
        (12, 1_500_000_001_999, 1_500_000_001),
        (0x80, 7, 7_000_000_000),
        (0x80 | 10, 1536, 1_500_000_000),
        (0x80 | 32, (1 << 32) + (1 << 31), 1_500_000_000),
        (0x80 | 63, 1 << 62, 500_000_000),
        (127, 1 << 60, 0),
    ],
)
def test_pcapng_clock(resolution: int | None, ticks: int, time_ns: int, order: str) -> None:
    options = b"" if resolution is None else option(9, bytes([resolution]), order)
    file = section(order) + interface(276, options, order) + enhanced(b"data", ticks, order=order)
    assert list(read_capture(io.BytesIO(file))) == [Frame(1, time_ns, 276, 7, b"data")]


def test_pcapng_clock_with_an_offset() -> None:
    options = option(2, b"eth0") + option(14, struct.pack("<q", -3)) + option(0, b"") + b"rubbish!"
    file = section() + interface(1, options) + enhanced(b"data", 5_000_000)
    assert next(read_pcapng(io.BytesIO(file))).time_ns == 2_000_000_000


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
def test_pcapng_blocks(order: str) -> None:
    """Several interfaces, every packet block, others between them, a section of the other byte order."""
    other = ">" if order == "<" else "<"
    obsolete = struct.pack(order + "HHIIII", 1, 0, 0, 2_000_000, 3, 9) + b"two\0"
    file = (
        section(order)
        + interface(1, order=order, snaplen=4)
        + block(0x0BAD, b"a custom block", order)
        + interface(113, order=order)
        + enhanced(b"one", 1_000_000, 1, order, options=option(1, b"a comment", order))
        + block(2, obsolete, order)
        + block(5, bytes(12), order)
        + block(3, struct.pack(order + "I", 6) + b"four", order)
        + section(other)
        + interface(101, order=other)
        + enhanced(b"four", 4_000_000, 0, other)
        + block(3, struct.pack(other + "I", 3) + b"fiv", other)
    )
    assert list(read_capture(io.BytesIO(file))) == [
        Frame(1, 1_000_000_000, 113, 6, b"one"),
        Frame(2, 2_000_000_000, 113, 9, b"two"),
        Frame(3, 0, 1, 6, b"four"),
        Frame(4, 4_000_000_000, 101, 7, b"four"),
        Frame(5, 0, 101, 3, b"fiv"),
    ]


PCAP = pcap(CONTENTS)
PCAPNG = section() + interface(1, option(9, b"\x09")) + b"".join(enhanced(c, 5) for c in CONTENTS) + block(5, b"")


@pytest.mark.parametrize("file", [PCAP, pcap(CONTENTS, magic=0xA1B2CD34, order=">"), PCAPNG], ids=["pcap", "mod", "ng"])
def test_cut_off_at_every_byte(file: bytes) -> None:
    """What was there is read, and the error says where, unless the file ends between two frames."""
    whole, error = read_all(io.BytesIO(file))
    assert error is None
    assert [frame.data for frame in whole] == CONTENTS
    clean = 0
    for cut in range(len(file)):
        frames, error = read_all(io.BytesIO(file[:cut]))
        assert frames == whole[: len(frames)]
        if error is None:
            clean += 1
        else:
            assert error.offset <= cut
            assert str(error.offset) in str(error)
    boundaries = {
        "pcap": 3,
        "pcapng": 5,
    }  # behind the header and each frame but the last; each block of the section
    assert clean == boundaries["pcapng" if file == PCAPNG else "pcap"]


DAMAGED = [
    ("empty", b"", 0),
    ("three bytes", PCAP[:3], 0),
    ("another magic number", b"\x1f\x8b\x08\x00" + bytes(50), 0),
    ("version 9 of pcap", PCAP[:4] + b"\x09\x00" + PCAP[6:], 4),
    ("version 9 of pcapng", PCAPNG[:12] + b"\x09\x00" + PCAPNG[14:], 0),
    ("a frame of 4 GB", PCAP[:32] + b"\xff\xff\xff\xff" + PCAP[36:], 24),
    ("a frame just too long", PCAP[:32] + struct.pack("<I", MAX_CAPTURED + 1) + bytes(MAX_CAPTURED + 99), 24),
    ("a section of no byte order", PCAPNG[:8] + bytes(20), 0),
    ("a block of 8 bytes", section() + struct.pack("<III", 5, 8, 8), 28),
    ("a block of 13 bytes", section() + struct.pack("<III", 5, 13, 13) + bytes(9), 28),
    ("a block of 4 GB", section() + struct.pack("<II", 5, 0xFFFFFFFC) + bytes(99), 36),
    ("two lengths", section() + struct.pack("<III", 5, 12, 16), 28),
    ("an interface that is not there", section() + enhanced(b"x", 5), 28),
    ("a simple block without an interface", section() + block(3, bytes(8)), 28),
    (
        "a frame longer than its block",
        section() + interface() + block(6, struct.pack("<IIIII", 0, 0, 0, 9, 9)),
        48,
    ),
    ("a block too short for a frame", section() + interface() + block(6, bytes(8)), 48),
    ("an option longer than its block", section() + interface(1, struct.pack("<HH", 9, 60000)), 28),
    ("a frame of 4 GB in pcapng", section() + interface() + block(6, b"\0" * 12 + b"\xff" * 8), 48),
]


@pytest.mark.parametrize(("file", "offset"), [row[1:] for row in DAMAGED], ids=[row[0] for row in DAMAGED])
def test_damage_is_named_with_its_place_and_costs_no_memory(file: bytes, offset: int) -> None:
    stream = Meter(file)
    frames, error = read_all(stream)
    assert error is not None
    assert (frames, error.offset) == ([], offset)
    assert stream.most <= MAX_CAPTURED


def test_a_frame_is_given_before_what_is_wrong_behind_it() -> None:
    frames, error = read_all(io.BytesIO(section() + interface() + enhanced(b"data", 5)[:-4] + b"\x07\0\0\0"))
    assert [frame.data for frame in frames] == [b"data"]
    assert error is not None
    assert error.reason == "the two lengths of a block differ"


@pytest.mark.parametrize("reader", [read_pcap, read_pcapng])
def test_each_format_refuses_the_other(reader: Callable[[BinaryIO], Iterator[Frame]]) -> None:
    with pytest.raises(CaptureError, match="this is not a pcap"):
        list(reader(io.BytesIO(PCAP if reader is read_pcapng else PCAPNG)))


class Trickle(io.BytesIO):
    """A pipe, which gives what it has: here a byte at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(1, size if size is not None else 1))


@pytest.mark.parametrize("file", [PCAP, PCAPNG], ids=["pcap", "pcapng"])
def test_a_pipe_that_trickles(file: bytes) -> None:
    frames, error = read_all(Trickle(file))
    assert ([frame.data for frame in frames], error) == (CONTENTS, None)


def test_a_growing_file_gives_each_frame_as_soon_as_it_is_there() -> None:
    """A follower of a file must not read ahead of the frame it gives."""
    stream = Meter(PCAP)
    next(read_capture(stream))
    assert stream.tell() == 24 + 16 + len(CONTENTS[0])


@given(st.binary(max_size=300), st.sampled_from([b"", PCAP[:4], PCAP[:24], PCAPNG[:4], PCAPNG[:28], PCAPNG[:56]]))
def test_random_bytes_end_in_a_capture_error_or_in_peace(data: bytes, start: bytes) -> None:
    stream = Meter(start + data)
    read_all(stream)
    assert stream.most <= MAX_CAPTURED


@given(
    st.sampled_from([PCAP, pcap(CONTENTS, magic=0xA1B23C4D, order=">"), PCAPNG]),
    st.lists(st.tuples(st.integers(0, 999), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_captures_end_in_a_capture_error_or_in_peace(file: bytes, damage: list[tuple[int, int]]) -> None:
    data = bytearray(file)
    for position, value in damage:
        data[position % len(data)] = value
    stream = Meter(bytes(data))
    frames, _ = read_all(stream)
    assert [frame.number for frame in frames] == list(range(1, len(frames) + 1))
    assert stream.most <= MAX_CAPTURED


@pytest.mark.parametrize("nanosecond", [True, False], ids=["nanoseconds", "microseconds"])
def test_what_is_written_is_read_again(nanosecond: bool) -> None:
    stream = io.BytesIO()
    writer = PcapWriter(stream, 101, 8, nanosecond=nanosecond)
    writer.write(1_700_000_000_123_456_789, b"short")
    writer.write(1_700_000_001_000_000_000, b"longer than the snap length")
    writer.write(1_700_000_002_000_000_000, b"cut", 1500)
    stream.seek(0)
    fraction = 123_456_789 if nanosecond else 123_456_000
    assert list(read_capture(stream)) == [
        Frame(1, 1_700_000_000_000_000_000 + fraction, 101, 5, b"short"),
        Frame(2, 1_700_000_001_000_000_000, 101, 27, b"longer t"),
        Frame(3, 1_700_000_002_000_000_000, 101, 1500, b"cut"),
    ]


def test_a_clock_beyond_all_times_is_held_at_the_last_one() -> None:
    seconds = option(9, b"\x00")
    (frame,) = read_pcapng(io.BytesIO(section() + interface(1, seconds) + enhanced(b"x" * 60, 2**64 - 1)))
    assert frame.time_ns == 2**63 - 1
