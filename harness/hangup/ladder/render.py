"""From rows to terminal text, of any width from 60 columns on. Colours only underline what the words say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hangup.ladder.packets import Packet
    from hangup.ladder.rows import Row

_TIME = 10
_GAP = 1
_NUMBERS_FROM = 96
"""The narrowest width at which an arrow also bears its sequence numbers."""


class Columns(NamedTuple):
    """Widths of the columns, without the gaps."""

    time: int
    client: int
    wire: int
    peer: int

    @property
    def numbers(self) -> bool:
        """Whether there is room for sequence numbers."""
        return sum(self) + 3 * _GAP >= _NUMBERS_FROM


def columns(width: int) -> Columns:
    """How ``width`` is shared out."""
    wire = 42 if width >= _NUMBERS_FROM else 30
    rest = max(20, width - _TIME - wire - 3 * _GAP)
    client = -(-rest * 11 // 20)
    return Columns(_TIME, client, wire, rest - client)


def head(client: str, widths: Columns) -> RenderableType:
    """The line over the columns."""
    style = "bold"
    return _line(Text("ms", style), Text(client, style), Text("packets".center(widths.wire), style),
                 Text("peer", style), widths)  # fmt: skip


def line(row: Row, start_ns: int, widths: Columns) -> RenderableType:
    """One row; times are milliseconds since ``start_ns``."""
    if row.heading:
        return Text(f"── {row.heading} ".ljust(sum(widths) + 3 * _GAP, "─"), style="bold", overflow="crop")
    time = Text(f"{(row.time_ns - start_ns) / 1e6:.3f}", style="dim")
    wire = arrow(row.packet, widths) if row.packet is not None else Text("")
    return _line(time, Text(row.client), wire, Text(row.peer), widths)


def arrow(packet: Packet, widths: Columns) -> Text:
    """``── SYN  seq 0 ──────▶``, as wide as its column."""
    label = f"{packet.words}  {packet.numbers}" if widths.numbers else packet.words
    shaft = f"─ {label} ".ljust(widths.wire - 1, "─")
    text = f"{shaft}▶" if packet.sender == "client" else f"◀{shaft}"
    return Text(text, style="bold red" if packet.rst else "yellow" if packet.fin else "", overflow="fold")


def _line(time: Text, client: Text, wire: Text, peer: Text, widths: Columns) -> RenderableType:
    grid = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    grid.add_column(width=widths.time, justify="right")
    for width in widths[1:]:
        grid.add_column(width=width, overflow="fold")
    grid.add_row(time, client, wire, peer)
    return grid
