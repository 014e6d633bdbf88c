"""Taking out of a text what is not its author's own words: addresses, ports, paths, line numbers, ids, sizes.

The same patterns are applied to the measured texts and to the text that is looked up. They stand in ``masks.json``,
each with its reason, and travel in the index, so that the browser applies the very same ones: so they keep to what
Python's and JavaScript's regular expressions have in common (no
``\\s``, ``\\d``, ``.`` or look-behind; replacements as ``$1``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

MASKS_FILE = Path(__file__).with_name("masks.json")

Masks = list[tuple[str, str]]
"""Pattern and replacement, in the order in which they are applied."""

TOKEN = re.compile(r"[^\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]+")
"""A word: everything that is neither ASCII punctuation nor white space. Punctuation is left out because logs quote it,
escape it and wrap it; the words and their case are what a library's author wrote."""
_BARE = re.compile(r"[ \t\r\n]*([0-9]{2,5})[ \t\r\n]*")
"""A text that is a number and nothing else: an error's of an operating system, if it is one of these."""
_FOLD = str.maketrans({chr(upper): chr(upper + 32) for upper in range(ord("A"), ord("Z") + 1)})


def read_masks() -> Masks:
    """The masks that come with this version."""
    return [(pattern, replacement) for _why, pattern, replacement in json.loads(MASKS_FILE.read_text(encoding="utf-8"))]


class Masker:
    """A list of masks, ready to be applied."""

    def __init__(self, masks: Iterable[tuple[str, str]]) -> None:
        self._unfold, *self._rules = [
            (re.compile(pattern, re.ASCII), re.sub(r"\$([0-9])", r"\\g<\1>", replacement))
            for pattern, replacement in masks
        ]

    def lines(self, text: str) -> list[tuple[str, str]]:
        """Each line as it stands, and as its words, joined by single spaces; lines without a word are left out."""
        if bare := _BARE.fullmatch(text):
            return [(text, f"number_{bare[1]}")]
        pattern, replacement = self._unfold
        raw = pattern.sub(replacement, text).split("\n")
        return [(line, words) for line in raw if (words := self.words(line))]

    def words(self, line: str) -> str:
        """One line as its words."""
        for pattern, replacement in self._rules:
            line = pattern.sub(replacement, line)
        return " ".join(TOKEN.findall(line))


def fold(words: str) -> str:
    """Without upper case, by ASCII's rules alone, which all languages share."""
    return words.translate(_FOLD)
