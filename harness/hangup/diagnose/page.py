"""A page of the whole that stands alone: one HTML file, with its pictures inside, and no script.

What comes from a capture is data: it is escaped, wherever it stands.
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from hangup.diagnose.acted_on import SAYS
from hangup.diagnose.causes import Hypothesis, causes
from hangup.diagnose.drawing import ladder_svg, timeline_svg
from hangup.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hangup.diagnose.engine import Counts
    from hangup.diagnose.finding import Finding
    from hangup.diagnose.matching import Report
    from hangup.diagnose.summary import Summary

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2530; --paper: #fff; --line: #c8d0da; --dim: #56616f; --bad: #b3261e;
  --warn: #8a5a00; --low: #1f5f8b; --good: #1e6b34; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8ee; --paper: #14181d; --line: #3a434e; --dim: #9aa5b1;
  --bad: #ff8a80; --warn: #f2b84b; --low: #7cc0ee; --good: #7fd194; } }
body { color: var(--ink); background: var(--paper); font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem;
  max-width: 70rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; } h3 { font-size: 1rem; margin-bottom: .2rem; }
table { border-collapse: collapse; } td, th { border-bottom: 1px solid var(--line); padding: .2rem .8rem .2rem 0;
  text-align: left; vertical-align: top; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; } summary { cursor: pointer; padding: .3rem 0; }
details { border-bottom: 1px solid var(--line); }
code, svg text { font-family: ui-monospace, monospace; } svg { max-width: 100%; height: auto; }
.high { color: var(--bad); } .medium { color: var(--warn); } .low { color: var(--low); } .none { color: var(--good); }
.dim { color: var(--dim); } svg text { fill: var(--ink); font-size: 12px; } svg line { stroke: var(--dim); }
svg .rst { stroke: var(--bad); } svg .fin { stroke: var(--warn); } svg rect { fill: var(--low); }
@media print { details > * { display: block; } }
"""


def page(summary: Summary, counts: Counts, findings: Sequence[tuple[Finding, Sequence[Report]]]) -> str:
    """The page; `findings` are those that are told in full, with what clients report for each."""
    when = f"from {_when(counts.first_ns or 0)} to {_when(counts.last_ns)} (UTC)"
    severities = ((f"{n:,}", f'<span class="{s}">{s}</span>') for s, n in summary.severities.most_common())
    named = ((f"{n:,}", f"<code>{c}</code>", escape(causes()[c].title)) for c, n in summary.causes.most_common())
    states = ((f"{n:,}", f"<code>{state}</code>") for state, n in summary.states.most_common())
    parts = [
        f"<h1>{summary.connections:,} connections, {summary.reset:,} with a RST</h1>",
        f"<p>{counts.frames:,} frames, {counts.segments:,} of them TCP, {when}.</p>",
        "<h2>Severity</h2>",
        _table(("connections", "severity"), severities),
        "<h2>Causes</h2>",
        _table(("connections", "cause", ""), named),
        "<h2>How they ended</h2>",
        _table(("connections", "conn_state"), states),
    ]
    if summary.troubled:
        parts += [
            "<h2>Where</h2>",
            _table(
                ("connections", "responder", "cause"),
                (
                    (f"{n:,}", escape(f"{peer.address} port {peer.port}"), f"<code>{peer.cause}</code>")
                    for peer, n in summary.troubled.most_common(20)
                ),
            ),
            "<h2>When</h2>",
            timeline_svg(summary.trouble),
        ]
    parts.append(f"<h2>Connections ({len(findings)} shown, the gravest first)</h2>")
    parts += [_finding(finding, reports) for finding, reports in findings]
    return plain(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>hangup diagnose</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _when(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Headings are text, cells are markup."""
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(
        "<tr>" + "".join(f'<td class="n">{c}</td>' if n == 0 else f"<td>{c}</td>" for n, c in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _finding(finding: Finding, reports: Sequence[Report]) -> str:
    title = (
        f"stream {finding.stream}: {finding.orig} → {finding.resp}, {finding.conn_state} {finding.history}: "
        f"{causes()[finding.cause].title}"
    )
    sizes = f"{finding.orig_bytes:,} bytes from the originator, {finding.resp_bytes:,} from the responder"
    lasted = f"began {_when(finding.start_ns)}, lasted {finding.duration_ns / 1e9:.6f} s"
    parts = [
        f'<details><summary><span class="{finding.severity}">{finding.severity}</span> {escape(title)}</summary>',
        f"<p>{lasted}; {sizes}; ended by {finding.ended_by}</p>",
        f"<p>Acted on: {escape(SAYS[finding.acted_on])}.</p>",
        ladder_svg(finding),
    ]
    parts += [_hypothesis(hypothesis) for hypothesis in finding.causes if hypothesis.confidence >= _WORTH]
    if finding.scenarios:
        names = ", ".join(f"<code>{match.scenario}</code>" for match in finding.scenarios)
        parts.append(f"<h3>Scenarios that end like this</h3><p>{names}</p>")
    if reports:
        parts.append("<h3>What clients report for it</h3>")
        parts.append(_table(("client", "is told"), ((escape(r.client), escape(r.told)) for r in reports)))
    return "\n".join([*parts, "</details>"])


_WORTH = 0.2


def _hypothesis(hypothesis: Hypothesis) -> str:
    cause = causes()[hypothesis.cause]
    evidence = "".join(
        f"<li>{escape(e.says)}{_where(e.packets)}{escape(''.join(f'; {k} = {v}' for k, v in e.fields.items()))}</li>"
        for e in hypothesis.evidence
    )
    limits = "".join(f"<li><em>{escape(limit)}</em></li>" for limit in hypothesis.limits)
    return (
        f"<h3>{escape(cause.title)} <code>{hypothesis.cause}</code> {hypothesis.confidence:.2f}</h3>"
        f"<ul>{evidence}{limits}</ul><p>{escape(cause.means)}</p><p>What would tell: {escape(cause.confirm)}</p>"
        f'<p class="dim">{escape("; ".join(cause.cites))}</p>'
    )


def _where(packets: Sequence[int]) -> str:
    return f" (packet {', '.join(map(str, packets))})" if packets else ""
