"""The swift way through a capture tells the same of every connection in trouble as the plain way, and of no other."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
import synthetic
from conversations import MEMORY, conversation
from hypothesis import given, settings
from hypothesis import strategies as st
from talks import ALIKE, CAPTURES, LATE, TWISTS, Move, but_for_one_move
from test_signatures import CASES
from ways import assert_same, assert_same_frames, plain, swift, written
from wire_packets import HANDSHAKE, LINKS, enhanced, interface, ipv4, ipv6, section, tcp

from hangup.diagnose import Engine, Inputs
from hangup.diagnose.blocks import blocks
from hangup.diagnose.sift import Sieve
from hangup.diagnose.swift import Swift
from hangup.wire import PcapWriter, Segment


@pytest.mark.parametrize("size", [1 << 24, 200_000, 5_000])
@pytest.mark.parametrize("snaplen", [262_144, 96])
def test_of_many_connections_at_a_time(tmp_path: Path, size: int, snaplen: int) -> None:
    path = tmp_path / "many.pcap"
    synthetic.write(path, 400_000 if snaplen > 96 else 100_000, snaplen=snaplen, at_a_time=20)
    data = path.read_bytes()
    skimmed = assert_same(data, size)
    if size == 1 << 24:
        assert skimmed > 0.6 * len(plain(data)), "it must be worth it"


def test_of_captures_that_are_gathered(tmp_path: Path) -> None:
    """A pcapng file, and two files that overlap in time."""
    frames = list(synthetic.frames(200, at_a_time=20))
    names = []
    for name, part in (("whole", frames), ("odd", frames[1::2]), ("even", frames[::2])):
        packets = b"".join(enhanced(data, time_ns // 1000) for time_ns, data in part)
        names.append(tmp_path / name)
        names[-1].write_bytes(section() + interface() + packets)
    for inputs in (Inputs([str(names[0])]), Inputs([str(name) for name in names[1:]])):
        assert same_of_inputs(inputs) > 100


def same_of_inputs(inputs: Inputs) -> int:
    """Both ways say the same of what is gathered from these; how many connections were only counted."""
    seams = [int(block.number[-1]) for block in inputs.blocks(MEMORY) or ()]
    return assert_same_frames(list(inputs), seams, lambda: inputs.blocks(MEMORY))


@pytest.mark.parametrize("size", [1 << 24, 2_000, 60])
def test_of_every_ending(size: int) -> None:
    """Every case of the signatures, all in one capture."""
    everything = [
        segment
        for number, case in enumerate(CASES)
        for segment in conversation(*case.steps, client=40_000 + number, start=100.0 * number)
    ]
    assert_same(written(sorted(everything, key=lambda segment: segment.time_ns)), size)


@pytest.mark.parametrize("link", list(LINKS))
@pytest.mark.parametrize("six", [False, True], ids=["IPv4", "IPv6"])
def test_of_every_link_type(link: str, six: bool) -> None:
    steps = (*HANDSHAKE, "> PA 1 1 40", "< PA 1 41 100", "> FA 41 101", "< FA 101 42", "> A 42 102")
    data = written(
        conversation(*steps) + conversation("> S 0", "< RA 0 1", client=40001, start=1.0), link=link, six=six
    )
    assert_same(data, 1 << 24)
    assert len(plain(data)) == 2


@pytest.mark.parametrize("link", ["ethernet", "raw", "cooked", "cooked-v2"])
@pytest.mark.parametrize("six", [False, True], ids=["IPv4", "IPv6"])
def test_udp_is_not_looked_at_one_by_one(link: str, six: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a capture that is full of QUIC or DNS."""
    stream = io.BytesIO()
    writer = PcapWriter(stream, LINKS[link].number)
    packet = bytearray((ipv6 if six else ipv4)(bytes(40)))
    packet[6 if six else 9] = 17
    for number in range(20):
        writer.write(number, LINKS[link].wrap(bytes(packet)))
    data = stream.getvalue()
    assert plain(data) == {}
    monkeypatch.setattr("hangup.diagnose.sift.decode", None)
    assert swift(blocks(io.BytesIO(data)), full=True) == ({}, (0, 0))


@pytest.mark.parametrize("at", [1, 2, 4, 6, 8])
def test_of_a_connection_that_goes_on_upon_another_link(tmp_path: Path, at: int) -> None:
    """As in a capture on all interfaces, of one where a tunnel begins."""
    steps = (*HANDSHAKE, "> PA 1 1 40", "< A 1 41", "< PA 1 41 100", "> A 41 101", "< RA 101 41")
    names = []
    for name, link, part in (("one", "ethernet", slice(at)), ("other", "raw", slice(at, None))):
        segments = [s for n in range(3) for s in conversation(*steps, client=40_000 + n, start=float(n))[part]]
        names.append(tmp_path / name)
        names[-1].write_bytes(written(segments, link=link))
    same_of_inputs(Inputs([str(name) for name in names]))


def test_many_open_connections_are_held_in_bounded_memory() -> None:
    """Those that there is no room for go to the engine, which has a bound of its own."""
    stream = io.BytesIO()
    writer = PcapWriter(stream, 1)
    for number in range(6_000):
        syn = tcp(1024 + number, 80, 7, 0, "S", b"")
        writer.write(number * 1_000, LINKS["ethernet"].wrap(ipv4(syn)))
    stream.seek(0)
    way = Swift(Engine(8 << 20))
    most = 0
    for sifted in map(Sieve().sift, blocks(stream, 20_000)):
        way._feed(sifted, full=False)
        most = max(most, len(way._waiting._held))
    assert 300 < most < 2_000


def http(length: int, sent: int) -> list[Segment]:
    """An exchange that the responder ends."""
    ask = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX: y\r\n\r\n" % length + bytes(sent)
    asked, said = 1 + len(ask), 1 + len(answer)
    ending = (f"< FA {said} {asked}", f"> FA {asked} {said + 1}", f"< A {said + 1} {asked + 1}")
    steps = (*HANDSHAKE, f"> PA 1 1 {len(ask)}", f"< PA 1 {asked} {len(answer)}", *ending)
    return conversation(*steps, payloads={3: ask, 4: answer})


@pytest.mark.parametrize(("sent", "skimmed"), [(100, 1), (99, 0), (0, 0)])
def test_an_http_answer_is_counted(sent: int, skimmed: int) -> None:
    data = written(http(100, sent))
    assert assert_same(data, 1 << 24) == skimmed


def test_what_comes_late_of_a_connection_that_was_skimmed_opens_no_other() -> None:
    steps = (*HANDSHAKE, "> PA 1 1 40", "< PA 1 41 100", "> FA 41 101", "< FA 101 42", "> A 42 102")
    data = written(conversation(*steps, "> A 42 102 at=1", "< R 102 at=2"))
    size = len(data) - 24 - 2 * (16 + 14 + 20 + 20)
    assert swift(blocks(io.BytesIO(data), size), full=True) == ({}, (1, 0))
    assert assert_same(data, size) == 1


@pytest.mark.parametrize(("ttl", "skimmed", "cause"), [(64, 1, "application-abort"), (57, 0, "forged-reset")])
def test_a_forged_rst_is_not_only_counted(ttl: int, skimmed: int, cause: str) -> None:
    """A RST in the originator's name, where its own abort would do no harm."""
    asked = ("> PA 1 1 40", "< A 1 41", "< PA 1 41 100", "> A 41 101")
    data = written(conversation(*HANDSHAKE, *asked, f"> RA 41 101 ttl={ttl}"))
    for size in (1 << 24, 60):
        assert assert_same(data, size) == skimmed
    assert plain(data)[0].cause == cause


@pytest.mark.parametrize(("ttl", "skimmed"), [(64, 1), (63, 0), (65, 0), (9, 0), (255, 0)])
@pytest.mark.parametrize("size", [1 << 24, 200])
def test_an_abort_with_the_ttl_of_another_host_is_not_counted_as_plain(ttl: int, skimmed: int, size: int) -> None:
    abort = (*HANDSHAKE, "> PA 1 1 40", "< PA 1 41 100", "> A 41 101", f"> RA 41 101 ttl={ttl}")
    data = written(conversation(*abort))
    assert assert_same(data, size) == skimmed
    (finding,) = plain(data).values()
    assert (finding.ended_by == "third-party") is not bool(skimmed)
    assert [reset.by for reset in finding.resets] == ["orig" if skimmed else "third-party"]


@pytest.mark.parametrize("side", "><")
@pytest.mark.parametrize("hops", [1, -1, 3])
def test_a_reset_with_another_ttl_is_not_like_one_of_the_same_talk(side: str, hops: int) -> None:
    """The conclusion from a connection serves those that are like it, and a forged RST is unlike the others."""
    talk = (*HANDSHAKE, "> PA 1 1 40", "< PA 1 41 100", "> PA 41 101 40", "< A 101 81")
    end = "> R 81" if side == ">" else "< R 101"
    segments = [
        segment
        for number, ttl in enumerate((64, 64, 64 - hops, 64))
        for segment in conversation(*talk, f"{end} ttl={ttl}", client=40_000 + number, start=float(number))
    ]
    data = written(segments)
    assert_same(data, 1 << 24)
    forged = [stream for stream, finding in plain(data).items() if finding.ended_by == "third-party"]
    assert forged == [2]


def says(finding: "Finding") -> list[str]:
    """What speaks for its causes."""
    return [evidence.says for cause in finding.causes for evidence in cause.evidence]


@pytest.mark.parametrize(
    ("others", "cause"),
    [((64,), "firewall-reject"), ((60,), "closed-port"), ((64, 60), "closed-port"), ((), "closed-port")],
)
@pytest.mark.parametrize("size", [1 << 24, 200])
def test_a_refusal_is_compared_with_the_one_ttl_of_its_host(others: tuple[int, ...], cause: str, size: int) -> None:
    """That of the SYN+ACKs of other connections; if they differ, nothing is known."""
    segments = [
        segment
        for number, ttl in enumerate(others)
        for segment in conversation("> S 0", f"< SA 0 1 ttl={ttl}", "> A 1 1", client=40_000 + number, start=number)
    ]
    refused = conversation("> S 0", "< RA 0 1 ttl=60", client=41_000, start=9.0)
    elsewhere = bytes((198, 51, 100, 77))  # a host of which nothing else is known
    segments += [
        refused[0], refused[0]._replace(dst=elsewhere), refused[1], refused[1]._replace(src=elsewhere)
    ]  # fmt: skip
    data = written(segments)
    assert_same(data, size)
    here, there = (plain(data)[len(others) + number] for number in (0, 1))
    assert (here.cause, there.cause) == (cause, "closed-port")
    assert ("its TTL is that of the host's other packets" in says(here)) is (others == (60,))
    assert "its TTL is that of the host's other packets" not in says(there)


def test_payload_in_the_number_of_the_syn_is_no_answer() -> None:
    data = written(conversation(*HANDSHAKE, "< PA 0 1 1", "< FA 1 1", "> FA 1 2", "< A 2 2"))
    assert assert_same(data, 1 << 24) == 0
    assert plain(data)[0].cause == "closed-at-once"


def test_payload_behind_its_own_sides_fin_is_not_plain() -> None:
    asked = "> PA 1 1 60"
    data = written(conversation(*HANDSHAKE, asked, "< FA 1 61", "< A 2 61 1", "> FA 61 3", "< A 3 62"))
    assert assert_same(data, 1 << 24) == 0


STEP = st.builds(
    lambda way, flags, seq, ack, length: f"{way} {''.join(sorted(flags))} {seq} {ack} {length}",
    st.sampled_from("><"), st.sets(st.sampled_from("FSRPA"), min_size=1, max_size=3),
    st.integers(0, 60), st.integers(0, 200), st.sampled_from((0, 0, 10, 100)),
)  # fmt: skip
WHOLE = (
    *HANDSHAKE,
    "> PA 1 1 40",
    "< A 1 41",
    "< PA 1 41 100",
    "> A 41 101",
    "> FA 41 101",
    "< FA 101 42",
    "> A 42 102",
)


SIZES = st.sampled_from((1 << 24, 60, 300, 1_000, 3_000))
"""Of blocks: all in one, a segment each, and some."""


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE)), STEP), max_size=3),
    st.lists(st.integers(0, len(WHOLE) - 1), max_size=2),
    SIZES,
)
def test_of_a_connection_that_was_broken(added: list[tuple[int, str]], dropped: list[int], size: int) -> None:
    steps = [step for place, step in enumerate(WHOLE) if place not in dropped]
    for place, step in added:
        steps.insert(place, step)
    if steps:
        assert_same(written(conversation(*steps)), size)


@pytest.mark.parametrize("talk", ALIKE.values(), ids=ALIKE)
@pytest.mark.parametrize("twist", [*TWISTS[2:], LATE], ids=str)
def test_of_connections_that_differ_in_one_move(talk: list[Move], twist: dict[str, int | float | str]) -> None:
    data = written(but_for_one_move(talk, twist))
    for size in (1 << 24, 2_000) if twist is not LATE else (1 << 24,):  # what is so late is passed over at a seam
        assert_same(data, size)


@settings(max_examples=500)
@given(CAPTURES, SIZES)
def test_of_connections_that_are_alike_or_nearly(segments: list[Segment], size: int) -> None:
    assert_same(written(segments), size)


@pytest.mark.parametrize("cut", [3, 17, 60])
def test_a_capture_that_is_cut_off_is_read_to_there(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(written(http(100, 100))[:-cut])
    inputs = Inputs([str(path)])
    found = inputs.blocks(MEMORY)
    assert found is not None
    assert sum(map(len, found)) == 7
    assert "cut off" in inputs.complaints[0]


def test_an_absurd_length_is_told() -> None:
    data = written(http(100, 100)) + struct.pack("<IIII", 1, 1, 0x7FFFFFFF, 5)
    found = blocks(io.BytesIO(data))
    assert len(next(found)) == 8
    with pytest.raises(Exception, match="claims 2147483647"):
        next(found)
