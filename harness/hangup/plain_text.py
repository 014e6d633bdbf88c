"""Text from outside, for a terminal: what would command it, or turn the reading order, is shown and not obeyed."""

from __future__ import annotations

import re

_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""C0 and C1 controls but for tab and line feed, line and paragraph separators, bidirectional controls (UAX #9)."""


def plain(text: str) -> str:
    """The text with an escape for each such character: ``\\u001b``. JSON that it is done to holds the same values."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
