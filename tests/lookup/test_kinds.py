"""No false word: what is said of texts of every kind, of which most were once said more than is known.

``kinds.toml`` has the texts. A verdict that is wrong there costs somebody a payment that is made twice.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from hangup.lookup import Index, lookup
from hangup.lookup.advice import advise
from hangup.outcome import ActedOn

FILE = Path(__file__).with_name("kinds.toml")
NO_PACKET = "unknown"
"""An ending that is none: the kernel sent no packet."""


class Kind(NamedTuple):
    """A text, and what may be said of it."""

    kind: str
    text: str
    endings: frozenset[str] = frozenset()
    acted_on: str = "maybe"
    who: str | None = None
    unknown: bool = False


def kinds() -> list[Kind]:
    """All texts of the file."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return [Kind(**{**entry, "endings": frozenset(entry.get("endings", ()))}) for entry in table["text"]]


KINDS = kinds()
SAID = [case for case in KINDS if not case.unknown]


def name(case: Kind) -> str:
    """Its readable id."""
    return f"{case.kind}: {case.text[:50]}"


@pytest.mark.parametrize("case", KINDS, ids=name)
def test_a_retry_is_safe_only_after_no(case: Kind, index: Index) -> None:
    for answer in lookup(index, case.text):
        advice = advise(index, answer)
        assert (advice.retry == "safe") == (advice.acted_on is ActedOn.NO)
        assert case.acted_on == "no" or advice.acted_on is not ActedOn.NO


@pytest.mark.parametrize("case", SAID, ids=name)
def test_is_told_as_it_is(case: Kind, index: Index) -> None:
    answer = lookup(index, case.text)[0]
    advice = advise(index, answer)
    best = {ending.ending for ending in answer.endings if ending.score == answer.endings[0].score}
    strange = {ending for ending in best - {NO_PACKET} if not case.endings & set(ending.split(", "))}
    assert strange == set()
    assert advice.acted_on == case.acted_on
    assert case.who is None or case.who in {c.client for c in answer.clients if c.score == answer.clients[0].score}


@pytest.mark.parametrize("case", [case for case in SAID if not case.endings], ids=name)
def test_nothing_on_the_wire_is_said_plainly(case: Kind, index: Index) -> None:
    answer = lookup(index, case.text)[0]
    assert answer.endings == ()
    advice = advise(index, answer)
    safe, unknown = "Nothing happened on the wire: ", "The text names nothing that happened on the wire. "
    assert advice.what.startswith(safe if advice.acted_on == "no" else unknown)


@pytest.mark.parametrize("case", [case for case in KINDS if case.unknown], ids=name)
def test_of_prose_nothing_is_said(case: Kind, index: Index) -> None:
    (answer,) = lookup(index, case.text)
    assert (answer.confidence, answer.clients) == ("none", ())
    assert advise(index, answer).retry == "unknown"


def test_no_verdict_invents_what_the_peer_had_read(index: Index) -> None:
    for case in KINDS:
        assert "had read" not in advise(index, lookup(index, case.text)[0]).what


def test_a_number_says_whose_it_is(index: Index) -> None:
    for number, words in {"104": "104 on Linux", "54": "number 54", "10054": "number 10054"}.items():
        assert words in (lookup(index, number)[0].clients[0].means or "")
