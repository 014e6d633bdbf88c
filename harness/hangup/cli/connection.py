"""How ``diagnose --stream`` puts one connection to people: its ladder, its causes, and what clients report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hangup.cli.console import section
from hangup.cli.diagnosis import when
from hangup.diagnose.acted_on import SAYS
from hangup.diagnose.causes import causes
from hangup.diagnose.ladder import rows
from hangup.ladder.render import columns, head, line
from hangup.ladder.words import root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from hangup.diagnose import Finding, Hypothesis
    from hangup.diagnose.matching import Report
    from hangup.matrix import JudgedCell
    from hangup.wire import Segment


def print_connection(
    console: Console, finding: Finding, segments: Sequence[Segment], reports: Sequence[Report], *, asked: bool
) -> None:
    """One connection: its ladder, its causes with their evidence, and what clients report for it."""
    f = finding
    title = f"stream {f.stream}: {f.orig} → {f.resp}, {f.conn_state} {f.history}"
    console.print(Text(title, style="bold"))
    console.print(Text(
        f"began {when(f.start_ns)} UTC, lasted {f.duration_ns / 1e9:.6f} s; "
        f"{f.orig_bytes:,} bytes from the originator, {f.resp_bytes:,} from the responder; severity {f.severity}"
    ))  # fmt: skip
    console.print(Text(f"acted on: {SAYS[f.acted_on]}"))
    console.print()
    widths = columns(console.width)
    console.print(head("originator", widths))
    for row in rows(f, segments):
        console.print(line(row, f.start_ns, widths))
    for place, hypothesis in enumerate(f.causes):
        console.print(section(f"{place + 1}. {causes()[hypothesis.cause].title}", *_hypothesis(hypothesis)))
    if f.scenarios:
        console.print(
            section(
                "Scenarios of the catalogue that end like this",
                Text(", ".join(match.scenario for match in f.scenarios)),
            )
        )
    if asked:
        console.print(section("What clients report for it, measured", _reports(reports)))


def _hypothesis(hypothesis: Hypothesis) -> list[RenderableType]:
    cause = causes()[hypothesis.cause]
    shown: list[RenderableType] = [
        Text(f"{hypothesis.cause}, by {hypothesis.by}, confidence {hypothesis.confidence:.2f}", style="bold")
    ]
    for evidence in hypothesis.evidence:
        where = (
            f" (packet{'s' * (len(evidence.packets) > 1)} {', '.join(map(str, evidence.packets))})"
            if evidence.packets
            else ""
        )
        fields = "".join(f"; {name} = {value}" for name, value in evidence.fields.items())
        shown.append(Text(f"• {evidence.says}{where}{fields}"))
    shown += [Text(f"• {limit}", style="italic") for limit in hypothesis.limits]
    if hypothesis.confidence > 0.3:
        shown.append(Padding(Text(cause.means), (0, 0, 0, 2)))
        shown.append(Padding(Text(f"What would tell: {cause.confirm}"), (0, 0, 0, 2)))
        shown.append(Padding(Text("; ".join(cause.cites), style="dim"), (0, 0, 0, 2)))
    return shown


def _reports(reports: Sequence[Report]) -> RenderableType:
    if not reports:
        return Text("no scenario is like it, or the clients asked for were not measured in one that is")
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("client", "is told", "what it catches"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "client")
    for report in reports:
        caught = dict.fromkeys(filter(None, map(_caught, report.cells)))
        table.add_row(*map(Text, (report.client, report.told, "\n".join(caught))))
    return table


def _caught(cell: JudgedCell) -> str:
    if cell.verdict is None:
        return ""
    chain = cell.cell.observations[0].operations[cell.verdict.decisive].error
    return f"{chain[0].type} ({root(chain).code or root(chain).type})" if chain else ""
