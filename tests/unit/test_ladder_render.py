"""Rows become text that fits: at every width nothing is cut off but an arrow's shaft, and nothing needs its colour."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ladder_samples import INTERRUPTED, START, at, packets

from hangup.ladder import Row
from hangup.ladder.render import arrow, columns, head, line

WIDE, NARROW = columns(100), columns(80)
FOUND = packets(*INTERRUPTED)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (Row(at(0), packet=FOUND[0]),
         "     0.000                           ─ SYN  seq 0 ────────────────────────────▶"),
        (Row(at(2), packet=FOUND[5], peer="send head 41\nsend body 1024"),
         "     2.000                           ◀─ PSH ACK 1065 bytes  seq 1 ack 42 ────── send head 41\n" + " " * 80
         + "send body 1024"),
        (Row(at(-1.5), "recv → end of stream"),
         "    -1.500 recv → end of stream"),
    ],
)  # fmt: skip
def test_a_row_at_100_columns(row: Row, expected: str) -> None:
    assert line(row, START, WIDE).plain == expected


def test_a_narrow_arrow_leaves_out_its_numbers_and_keeps_its_words() -> None:
    assert arrow(FOUND[3], NARROW).plain == "─ PSH ACK 41 bytes ────────▶"
    assert arrow(FOUND[-1], NARROW).plain == "◀─ RST ─────────────────────"


def test_a_row_says_all_without_colour() -> None:
    rst, fin = (line(Row(at(0), packet=packet), START, WIDE).plain for packet in (FOUND[-1], FOUND[7]))
    assert "RST" in rst
    assert "FIN ACK" in fin


texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=120)


@given(width=st.integers(64, 240), client=texts, peer=texts, packet=st.sampled_from([None, *FOUND]))
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(
    width: int, client: str, peer: str, packet: None
) -> None:
    widths = columns(width)
    drawn = line(Row(at(123456.789), client, packet, peer), START, widths).plain
    assert all(len(part) <= width for part in drawn.split("\n"))
    first, last = widths.time + 1, widths.width - widths.peer
    rows = drawn.split("\n")
    shown = ["".join(row[start:end] for row in rows) for start, end in ((first, first + widths.client), (last, None))]
    assert ["".join(text.split()) for text in shown] == ["".join(text.split()) for text in (client, peer)]
    assert len(head(client or "x", widths).plain.split("\n")[0]) <= width


def test_a_heading_fills_the_line() -> None:
    for widths in (WIDE, NARROW):
        assert len(line(Row(0, heading="connection 2, from port 50428"), START, widths).plain) == widths.width
