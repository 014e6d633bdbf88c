"""Text from elsewhere, made fit to be printed: a file's name, a capture or a result may hold what a terminal obeys.

Control characters (ECMA-48), and those that turn the direction of writing (UAX #9), are shown as JSON escapes them, so
that a line of JSON stays JSON.
"""

from __future__ import annotations

import re

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"  # all but tab and line feed
)


def plain(text: str) -> str:
    """The text with what a terminal would obey shown instead, line feeds and tabs apart."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def plain_line(text: str) -> str:
    """The same of what must stay one line."""
    return plain(text).replace("\n", "\\u000a").replace("\t", "\\u0009")
