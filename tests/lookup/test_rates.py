"""Every measured text is recognised, in whatever shape it stands in a log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import pytest
from sayings import KINDS, SHAPES, missed, sayings

from hangup.lookup import Index, lookup
from hangup.lookup.index import WORD
from hangup.lookup.mask import Masker
from hangup.store import ClientResults

SYSTEM = {
    ("Connection reset by peer",), ("Connection refused",), ("Connection timed out",), ("Broken pipe",),
    ("No route to host",), ("Network is unreachable",), ("Software caused connection abort",),
}  # fmt: skip
"""The operating system's words, as masked lines."""
ALONE = frozenset({"as measured", "elsewhere", "coloured"})
"""Shapes in which a text stands alone."""


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_names_the_client_first_and_the_scenario_within_three(
    kind: str, shape: str, results: list[ClientResults], index: Index
) -> None:
    said = sayings(results, kind)
    assert len(said) > 50, "the results have fewer texts than the test was written for"
    if shape not in ALONE:  # one or two plain words among others are prose
        plain = {fragment.words for fragment in index.fragments if fragment.kind == WORD}
        masker = Masker(index.masks)
        said = {text: who for text, who in said.items() if masker.words(text) not in plain}
    wrong = {text: missed(who, lookup(index, SHAPES[shape](text))[0]) for text, who in said.items()}
    assert {text: missing for text, missing in wrong.items() if missing} == {}


def carried(words: tuple[str, ...], who: Mapping[tuple[str, ...], set[str]]) -> set[str]:
    """Who has these words in a line of a text."""
    return {
        client for lines, clients in who.items() if any(f" {words[0]} " in f" {line} " for line in lines)
        for client in clients
    }  # fmt: skip


def test_a_tie_is_of_clients_that_say_the_same(results: list[ClientResults], index: Index) -> None:
    """Nobody is named first beside the client whose text it is but who says these very words too. What is the operating
    system's alone, all say who pass it on."""
    masker = Masker(index.masks)
    masked: dict[str, tuple[str, ...]] = {}
    who: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for kind in ("messages", "links", "printed"):
        for text, said in sayings(results, kind).items():
            masked[text] = tuple(words for _line, words in masker.lines(text))
            who[masked[text]] |= said.clients
    for text, lines in masked.items():
        ranked = lookup(index, text)[0].clients
        first = {each.client for each in ranked if each.score == ranked[0].score and each.measured}
        assert first == (carried(lines, who) if lines in SYSTEM else who[lines]), text
