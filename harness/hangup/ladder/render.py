"""From rows to terminal text, of any width from 64 columns on. Colours only underline what the words say."""

from __future__ import annotations

from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

if TYPE_CHECKING:
    from hangup.ladder.packets import Packet
    from hangup.ladder.rows import Row

_TIME = 10
_GAPS = 3
_WIDEST = 120
_NUMBERS_FROM = 96
"""The narrowest width at which an arrow also bears its sequence numbers."""


class Columns(NamedTuple):
    """Widths of the columns; one space stands between two of them."""

    time: int
    client: int
    wire: int
    peer: int

    @property
    def width(self) -> int:
        """Of a whole line."""
        return sum(self) + _GAPS

    @property
    def numbers(self) -> bool:
        """Whether there is room for sequence numbers."""
        return self.width >= _NUMBERS_FROM


def columns(width: int) -> Columns:
    """How ``width`` is shared out; there is no use for more than some 120."""
    width = min(width, _WIDEST)
    wire = 42 if width >= _NUMBERS_FROM else 28
    rest = max(20, width - _TIME - wire - _GAPS)
    client = -(-rest * 11 // 20)
    return Columns(_TIME, client, wire, rest - client)


def head(client: str, widths: Columns) -> Text:
    """The line over the columns."""
    return _line("ms", client, Text("packets".center(widths.wire)), "peer", widths, "bold")


def line(row: Row, start_ns: int, widths: Columns) -> Text:
    """One row, of one or more lines; times are milliseconds since ``start_ns``."""
    if row.heading:
        return Text(f"── {row.heading} ".ljust(widths.width, "─")[: widths.width], "bold")
    wire = arrow(row.packet, widths) if row.packet is not None else Text(" " * widths.wire)
    return _line(f"{(row.time_ns - start_ns) / 1e6:.3f}", row.client, wire, row.peer, widths, "")


def arrow(packet: Packet, widths: Columns) -> Text:
    """``─ SYN  seq 0 ──────▶``, as wide as its column."""
    label = f"{packet.words}  {packet.numbers}" if widths.numbers else packet.words
    room = widths.wire - len("─ ─▶")
    label = label if len(label) <= room else label[: room - 1] + "…"
    shaft = f"─ {label} ".ljust(widths.wire - 1, "─")
    text = f"{shaft}▶" if packet.sender == "client" else f"◀{shaft}"
    return Text(text, style="bold red" if packet.rst else "yellow" if packet.fin else "")


def _line(time: str, client: str, wire: Text, peer: str, widths: Columns, style: str) -> Text:
    text = Text(style=style)
    for number, (left, right) in enumerate(
        zip_longest(_wrapped(client, widths.client), _wrapped(peer, widths.peer), fillvalue="")
    ):
        first = number == 0
        part = Text(f"{time if first else '':>{widths.time}} {left:{widths.client}} ")
        part.append_text(wire if first else Text(" " * widths.wire))
        part.append(f" {right}")
        part.rstrip()
        text.append_text(part if first else Text("\n").append_text(part))
    return text


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of the width at most; at least one."""
    return [part for line in text.split("\n") for part in wrap(line, width)] or [""]
