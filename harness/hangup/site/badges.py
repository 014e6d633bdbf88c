"""Badges: a cell in one line of SVG, for a page elsewhere. It stands alone: no font, no script, no other file."""

from __future__ import annotations

from markupsafe import Markup, escape

_COLOURS = {
    "success": "#1a6b34", "silent-truncation": "#a3123a", "wrong-answer": "#a3123a", "hang": "#555b66",
    "agent failed": "#555b66", "invalid": "#555b66",
}  # fmt: skip
_MISLEADING, _OTHERS = "#96450a", "#1d4f91"
_HEIGHT, _PADDING, _LETTER = 20, 6, 6.6
"""Pixels; a letter's width is that of the widest usual one, and the text is told to fill its room."""

_SVG = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{height}" role="img" aria-label="{name}: {word}">'
    "<title>{name}: {word}</title>"
    '<rect width="{whole}" height="{height}" rx="3" fill="#333a45"/>'
    '<path fill="{colour}" d="M{left} 0h{curve}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{curve}z"/>'
    '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
    '<text x="{padding}" y="14" textLength="{name_room}" lengthAdjust="spacingAndGlyphs">{name}</text>'
    '<text x="{word_at}" y="14" textLength="{word_room}" lengthAdjust="spacingAndGlyphs">{word}</text></g></svg>\n'
)


def badge(client: str, scenario: str, word: str, outcome: str, *, misleading: bool) -> str:
    """``python/requests · rst-mid-body | reset``."""
    name = f"{client} · {scenario}"
    name_room, word_room = round(len(name) * _LETTER), round(len(word) * _LETTER)
    left = name_room + 2 * _PADDING
    right = word_room + 2 * _PADDING
    return _SVG.format(
        whole=left + right, height=_HEIGHT, left=left, curve=right - 3, padding=_PADDING, word_at=left + _PADDING,
        name=escape(name), word=escape(word), name_room=name_room, word_room=word_room,
        colour=_COLOURS.get(outcome, _MISLEADING if misleading else _OTHERS),
    )  # fmt: skip
