"""Pictures as inline SVG: a connection's ladder, and counts over time. Their colours are the page's."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from hangup.wire import Flags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hangup.diagnose.finding import Finding
    from hangup.diagnose.summary import Timeline
    from hangup.diagnose.trail import Seen

_STEP, _LEFT, _RIGHT, _WIDTH, _TOP = 22, 170, 610, 780, 40
_MOST = 40
_NAMES = (Flags.SYN, Flags.FIN, Flags.RST, Flags.PSH, Flags.ACK)


def ladder_svg(finding: Finding) -> str:
    """The first and the last packets, with frame numbers and times."""
    seen = finding.trail.segments()
    if not seen:
        return ""
    left = max(0, len(seen) - _MOST)
    shown: list[Seen | None] = [*seen] if not left else [*seen[: _MOST // 4], None, *seen[left + _MOST // 4 + 1 :]]
    if not finding.trail.whole and None not in shown:
        shown.insert(min(6, len(shown)), None)
    height = _TOP + _STEP * (len(shown) + 1)
    parts = [
        f'<svg role="img" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">',
        f"<title>{escape(f'The packets of stream {finding.stream}')}</title>",
        f'<text x="{_LEFT}" y="14" text-anchor="middle">{escape(str(finding.orig))}</text>',
        f'<text x="{_RIGHT}" y="14" text-anchor="middle">{escape(str(finding.resp))}</text>',
    ]
    parts += [f'<line x1="{x}" y1="20" x2="{x}" y2="{height - 8}"/>' for x in (_LEFT, _RIGHT)]
    for place, segment in enumerate(shown):
        y = _TOP + _STEP * place
        parts.append(_gap(y) if segment is None else _arrow(finding, segment, y))
    return "".join([*parts, "</svg>"])


def _gap(y: int) -> str:
    return f'<text x="{(_LEFT + _RIGHT) // 2}" y="{y}" text-anchor="middle">… more packets …</text>'


def _arrow(finding: Finding, seen: Seen, y: int) -> str:
    from_orig = seen.forward is finding.forward_is_orig
    start, end = (_LEFT, _RIGHT) if from_orig else (_RIGHT, _LEFT)
    tip = end - 8 if from_orig else end + 8
    kind = "rst" if seen.rst else "fin" if seen.fin else "plain"
    words = " ".join([name.name or "" for name in _NAMES if seen.flags & name])
    label = words + (f" {seen.length:,} bytes" if seen.length else "")
    time = f"{(seen.time_ns - finding.start_ns) / 1e6:,.3f} ms"
    return (
        f'<line class="{kind}" x1="{start}" y1="{y}" x2="{end}" y2="{y}"/>'
        f'<line class="{kind}" x1="{end}" y1="{y}" x2="{tip}" y2="{y - 4}"/>'
        f'<line class="{kind}" x1="{end}" y1="{y}" x2="{tip}" y2="{y + 4}"/>'
        f'<text x="{(_LEFT + _RIGHT) // 2}" y="{y - 4}" text-anchor="middle">{escape(label)}</text>'
        f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{time}</text>'
        f'<text x="{_RIGHT + 8}" y="{y + 4}">#{seen.number}</text>'
    )


def timeline_svg(timeline: Timeline) -> str:
    """A bar a part of the time."""
    counts: Sequence[int] = timeline.counts
    top = max(counts, default=0)
    if not top:
        return ""
    width, height = 6, 80
    bars = "".join(
        f'<rect x="{place * width}" y="{height - round(height * n / top)}" width="{width - 1}" '
        f'height="{round(height * n / top)}"><title>{n}</title></rect>'
        for place, n in enumerate(counts)
        if n
    )
    words = f"Endings of medium and high severity, {timeline.width:g} s a bar; the highest is {top}"
    size = f'viewBox="0 0 {len(counts) * width} {height}" width="{len(counts) * width}" height="{height}"'
    return f'<p><svg role="img" {size}><title>{escape(words)}</title>{bars}</svg></p><p class="dim">{escape(words)}</p>'
