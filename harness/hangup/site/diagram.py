"""A ladder as inline SVG: time goes down, the client's side stands left, the peer's right, packets cross between.

Its colours come from the page, so that it is right in light and dark; FIN and RST differ in more than colour.
"""

from __future__ import annotations

from textwrap import wrap

from markupsafe import Markup, escape

from hangup.store.drawings import Drawing, Row

WIDTH = 992
_TIME, _CLIENT, _LEFT, _RIGHT, _PEER = 66, 82, 338, 690, 706
"""Where the times end, where the client's words begin, the two lifelines, where the peer's words begin."""
_CLIENT_LETTERS, _PEER_LETTERS = 31, 35
_LINE, _ARROW, _GAP = 17, 32, 6
"""Heights: a line of words, a packet, and the room below each row."""
_TOP = 28

_TEXT = Markup('<text x="{x}" y="{y}"{extra}>{text}</text>')


def svg(drawing: Drawing) -> Markup:
    """The whole diagram, as one element."""
    parts, y = [], _TOP
    for row in drawing.rows:
        drawn, height = _row(row, y)
        parts.append(drawn)
        y += height + _GAP
    middle = ' text-anchor="middle"'
    head = _text(_LEFT, 16, drawing.client, f' class="heading"{middle}') + _text(
        _RIGHT, 16, "peer", f' class="heading"{middle}'
    )
    lines = Markup("").join(Markup('<path class="life" d="M{x} 22V{y}"/>').format(x=x, y=y) for x in (_LEFT, _RIGHT))
    name = f"{drawing.client} in {drawing.scenario}: {len(drawing.rows)} rows; a table with the same follows"
    return Markup(
        '<svg class="ladder" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'aria-label="{name}">{content}</svg>'
    ).format(width=WIDTH, height=y + 4, name=name, content=lines + head + Markup("").join(parts))


def _row(row: Row, y: int) -> tuple[Markup, int]:
    """A row at this height, and how much of it the row takes."""
    if row.heading:
        return _text(_CLIENT, y + 13, row.heading, ' class="heading"'), _LINE
    client, peer = _lines(row.client, _CLIENT_LETTERS), _lines(row.peer, _PEER_LETTERS)
    height = max(len(client), len(peer), 1) * _LINE
    parts = [_text(_TIME, y + 13, f"{row.ms:.3f}", ' class="time" text-anchor="end"')]
    parts += [_text(_CLIENT, y + 13 + n * _LINE, text) for n, text in enumerate(client)]
    parts += [_text(_PEER, y + 13 + n * _LINE, text) for n, text in enumerate(peer)]
    if row.sender:
        height = max(height, _ARROW)
        parts.append(_arrow(row, y))
    return Markup("").join(parts), height


def _arrow(row: Row, y: int) -> Markup:
    at = y + 24
    start, end, back = (_LEFT, _RIGHT, -9) if row.sender == "client" else (_RIGHT, _LEFT, 9)
    flags = row.words.split()
    kind = "rst" if "RST" in flags else "fin" if "FIN" in flags else "data"
    return Markup('<g class="{kind}">{words}{numbers}<path class="arrow" d="M{start} {at}H{end}"/>'
                  '<path class="head" d="M{end} {at}l{back} -5v10z"/></g>').format(
        kind=kind, start=start, end=end, at=at, back=back,
        words=_text(_LEFT + 16, y + 17, row.words, ' class="words"'),
        numbers=_text(_RIGHT - 16, y + 17, row.numbers, ' class="numbers" text-anchor="end"'),
    )  # fmt: skip


def _text(x: int, y: int, text: str, extra: str = "") -> Markup:
    """``extra``: attributes of ours."""
    return _TEXT.format(x=x, y=y, text=escape(text), extra=Markup(extra))  # noqa: S704  (no text of a client's)


def _lines(text: str, letters: int) -> list[str]:
    return [part for line in text.split("\n") for part in wrap(line, letters)]
