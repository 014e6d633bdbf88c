"""Segments as a ladder shows them: words, relative numbers, repetitions, and the three kinds of RST."""

from __future__ import annotations

import pytest
from ladder_samples import HANDSHAKE, PORT, REQUEST, packets, segment

from hangup.ladder import Cause, Packets


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 > S 0", "SYN"),
        ("0 < SA 0 1", "SYN ACK"),
        ("0 > PA 1 1 41", "PSH ACK 41 bytes"),
        ("0 > PA 1 1 1", "PSH ACK 1 byte"),
        ("0 > FA 1 1", "FIN ACK"),
        ("0 > FPA 1 1 5", "FIN PSH ACK 5 bytes"),
        ("0 < R 1", "RST"),
        ("0 < RA 1 1", "RST ACK"),
    ],
)
def test_flags_in_words(text: str, words: str) -> None:
    assert packets(text)[0].words == words


def test_numbers_are_relative_and_wrap() -> None:
    found = packets(*REQUEST, "1 < PA 1 42 100", "2 > FA 42 101", "3 < FA 101 43")
    assert [packet.numbers for packet in found] == [
        "seq 0", "seq 0 ack 1", "seq 1 ack 1", "seq 1 ack 1", "seq 1 ack 42", "seq 1 ack 42", "seq 42 ack 101",
        "seq 101 ack 43",
    ]  # fmt: skip


def test_the_sender_is_told_by_the_port() -> None:
    assert [packet.sender for packet in packets(*HANDSHAKE)] == ["client", "peer", "client"]


@pytest.mark.parametrize(
    ("before", "text", "repeated"),
    [
        ((), "0 > S 0", False),
        (("0 > S 0",), "1000 > S 0", True),
        (HANDSHAKE, "1 > PA 1 1 41", False),
        (REQUEST, "200 > PA 1 1 41", True),
        (REQUEST, "200 > PA 1 1 42", False),
        (REQUEST, "1 > A 42 1", False),
        (REQUEST, "1 > FA 42 1", False),
        ((*REQUEST, "1 > FA 42 1"), "200 > FA 42 1", True),
        ((*REQUEST, "1 < RA 1 42"), "2 < RA 1 42", False),
    ],
)
def test_a_retransmission_brings_nothing_new(before: tuple[str, ...], text: str, repeated: bool) -> None:
    assert packets(*before, text)[-1].repeated is repeated
    assert ("(again)" in packets(*before, text)[-1].words) is repeated


@pytest.mark.parametrize(
    ("before", "text", "cause"),
    [
        (("0 > S 0",), "0 < RA 0 1", Cause.REFUSED),
        (REQUEST, "1 < RA 1 42", Cause.ABORT),
        ((*REQUEST, "1 < FA 1 42"), "2 < RA 2 42", Cause.ABORT),
        ((*REQUEST, "1 < FA 1 42", "2 > PA 42 2 41"), "2 < R 2", Cause.ANSWER),
        ((*REQUEST, "1 > FA 42 1", "2 < PA 1 43 9"), "2 > R 43", Cause.ANSWER),
        (REQUEST, "1 < FA 1 42", None),
    ],
)
def test_why_a_rst_was_sent(before: tuple[str, ...], text: str, cause: Cause | None) -> None:
    assert packets(*before, text)[-1].cause is cause


def test_connections_are_numbered_in_the_order_of_their_first_packets() -> None:
    reader = Packets(PORT)
    found = [
        reader.feed(segment(text, client_port=port))
        for port, text in [(40000, "0 > S 0"), (40001, "1 > S 0"), (40000, "2 < SA 0 1"), (40001, "3 < RA 0 1")]
    ]
    assert [(packet.connection, packet.client_port) for packet in found] == [
        (1, 40000), (2, 40001), (1, 40000), (2, 40001),
    ]  # fmt: skip


def test_a_port_that_is_used_again_is_another_connection() -> None:
    closed = ("1 > FA 42 1", "2 < FA 1 43", "3 > A 43 2")
    again = segment("4 > S 0")._replace(seq=12345)
    reader = Packets(PORT)
    for text in (*REQUEST, *closed):
        reader.feed(segment(text))
    assert reader.feed(again).connection == 2
