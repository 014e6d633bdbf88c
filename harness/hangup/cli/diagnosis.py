"""How ``diagnose`` puts its findings to people: the summary and the table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeVar

from rich.table import Table
from rich.text import Text

from hangup.cli.console import section
from hangup.diagnose.causes import causes
from hangup.diagnose.finding import Severity

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from rich.console import Console

    from hangup.diagnose import Counts, Summary
    from hangup.diagnose.finding import Outline

T = TypeVar("T")
_STYLES = {Severity.NONE: "green", Severity.LOW: "cyan", Severity.MEDIUM: "yellow", Severity.HIGH: "red"}


def print_summary(console: Console, summary: Summary, counts: Counts, evicted: int) -> None:
    """The whole in numbers."""
    console.print(Text(_headline(summary, counts), style="bold"))
    for note in notes(counts, evicted):
        console.print(Text(note, style="yellow"))
    if not summary.connections:
        return
    console.print(section("Severity", _severities(summary)))
    console.print(section("Causes", _causes(summary)))
    console.print(section("How they ended (Zeek's conn_state)", _states(summary)))
    if summary.troubled:
        worst = [(count, f"{p.address}:{p.port}", p.cause) for p, count in summary.troubled.most_common(8)]
        console.print(section("Where (medium and high)", _grid(worst)))
        width = summary.trouble.width
        text = f"{summary.trouble.sparkline()}  ({width:g} s a character, the highest is {max(summary.trouble.counts)})"
        console.print(section("When", Text(text)))
    idle = summary.idle_timeouts()
    if idle:
        lines = [(n, f"{host}:{port}" if port else host, f"{seconds} s") for host, port, seconds, n in idle]
        console.print(section("Likely idle timeouts", _grid(lines)))


_SEVERITIES = {
    Severity.HIGH: "no connection, no answer, or bytes cut off",
    Severity.MEDIUM: "ended against one side's will",
    Severity.LOW: "a RST, but nothing was lost",
    Severity.NONE: "nothing wrong",
}


def _headline(summary: Summary, counts: Counts) -> str:
    seconds = (counts.last_ns - (counts.first_ns or 0)) / 1e9
    return (
        f"{summary.connections:,} connections, {summary.reset:,} with a RST; "
        f"{counts.frames:,} frames over {seconds:,.3f} s, {counts.segments:,} of them TCP"
    )


def notes(counts: Counts, evicted: int) -> list[str]:
    """What was passed over, or let go."""
    found = [
        f"{number:,} frames of link type {link} were passed over: it is not one that can be decoded here"
        for link, number in counts.unknown_links.items()
    ]
    if counts.stray_icmp:
        found.append(f"{counts.stray_icmp:,} ICMP errors are about connections that were not captured")
    if evicted:
        found.append(_evicted_note(evicted))
    return found


def _evicted_note(count: int) -> str:
    """What the bound on memory cost."""
    return f"{count:,} idle connections were let go early, and may be counted again: --max-memory allows more"


def _commonest(counted: Counter[T]) -> list[tuple[T, int]]:
    """Those that are as common by name, whichever was met first."""
    return sorted(counted.items(), key=lambda item: (-item[1], str(item[0])))


def _severities(summary: Summary) -> Table:
    rows = [(n, Text(s, style=_STYLES[s]), _SEVERITIES[s]) for s, n in _commonest(summary.severities)]
    return _grid(rows)


def _causes(summary: Summary) -> Table:
    return _grid([(n, Text(c, style="bold"), causes()[c].title) for c, n in _commonest(summary.causes)])


def _grid(lines: Sequence[tuple[int, str | Text, str]]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right")
    for count, one, other in lines:
        grid.add_row(f"{count:,}", one if isinstance(one, Text) else Text(one), Text(other))
    return grid


def _states(summary: Summary) -> Text:
    return Text("  ".join(f"{state} {count:,}" for state, count in _commonest(summary.states)))


def print_table(console: Console, findings: Sequence[Outline], more: int) -> None:
    """A line a connection; ``more``: how many are not shown."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    wide = console.width >= _WIDE
    for heading, justify, always in _COLUMNS:
        if wide or always:
            table.add_column(heading, justify=justify, overflow="fold", no_wrap=heading in ("stream", "state", "by"))
    for finding in findings:
        cells = zip(_cells(finding), _COLUMNS, strict=True)
        table.add_row(*(cell for cell, (_heading, _justify, always) in cells if wide or always))
    console.print()
    console.print(table)
    if more:
        console.print(Text(f"{more:,} more connections: --table shows all of them", style="dim"))


_WIDE = 150
_COLUMNS: tuple[tuple[str, Literal["left", "right"], bool], ...] = (
    ("stream", "right", True),
    ("start (UTC)", "left", False),
    ("seconds", "right", True),
    ("originator", "left", True),
    ("responder", "left", True),
    ("state", "left", True),
    ("history", "left", False),
    ("bytes", "left", False),
    ("by", "left", True),
    ("most likely cause", "left", True),
)
"""Heading, alignment, and whether it is shown on a narrow terminal too."""


def _cells(f: Outline) -> tuple[str | Text, ...]:
    return (
        str(f.stream),
        when(f.start_ns),
        f"{f.duration_ns / 1e9:.3f}",
        str(f.orig),
        str(f.resp),
        f.conn_state,
        f.history,
        f"{f.orig_bytes:,} / {f.resp_bytes:,}",
        f.ended_by,
        Text(_likeliest(f), style=_STYLES[f.severity]),
    )


def _likeliest(finding: Outline) -> str:
    others = ", ".join(finding.likeliest[1:])
    return f"{finding.cause} {finding.causes[0].confidence:.2f}" + (f" (or equally {others})" if others else "")


def when(time_ns: int) -> str:
    """A time of day, to the millisecond, with its date."""
    at = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{time_ns // 1_000_000 % 1000:03d}"
