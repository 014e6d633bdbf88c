"""Ranking a text against the index. ``lookup.js`` is the same in JavaScript: change both, the tests compare them.

1. The text is masked, line by line. In each line the longest fragments are found; what lies within a longer one does
   not count, so that ``Connection reset by peer`` is not taken for ``Connection reset``.
2. Each cell scores the weight of the fragments found that are whole lines of what was heard in it, and a third of the
   weight of those that are parts of its lines; one point more where several were found and are all of one of its texts.
3. A client, a scenario, an ending scores as the best of its cells. All is counted in integers, so equal is equal: what
   cannot be told apart by the text has one rank, and stands in the order of how many measured cells say it, then of the
   first of its cells.
4. Where a text that is explained best tells of nothing on the wire, no ending is given, and of scenarios those alone
   in which just this was heard.
5. An error in a line of which the best cells explain nothing is another error: it gets an answer of its own. What is
   left of a line that is explained in part is not: a class of its own name stands in the messages of many.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import NamedTuple

from hangup.lookup.find import Found, find, tells
from hangup.lookup.index import ERROR, FIELD, FRAME, SYSTEM, Index, Place

LINE, PART, ALONE = 3, 1, 1
"""What a fragment counts as a whole line, and as a part of one; and what it counts that one text has all of several."""
REASONS = 3
"""How many are given for a client."""
ANSWERS = 5
"""How many errors of one text are told apart."""
_BEFORE = re.compile(
    r"(?:re-?tr(?:y|ies|ied|ying)|attempts?|(?:giv|gav)(?:e|ing) up)(?:[^a-z]|$)|(?:^|[^a-z])re-?(?:connect|sen[dt])",
    re.IGNORECASE,
)
"""Words that tell of attempts before: whatever the last error says, one of these may have been acted on."""


class RankedClient(NamedTuple):
    """``why``: the words of the text that decided it, the most telling first. ``source`` and ``means``: of what was not
    measured, where it is documented, and as what."""

    client: str
    score: float
    why: tuple[str, ...]
    measured: bool
    source: str | None
    means: str | None


class RankedScenario(NamedTuple):
    """``cells``: those with this score, as numbers in the index."""

    scenario: str
    score: float
    cells: tuple[int, ...]


class RankedEnding(NamedTuple):
    """What the peer or the network did, and at which moment of the client's work."""

    ending: str
    moment: str
    score: float
    cells: int
    """How many have this score."""


@dataclass(frozen=True)
class Answer:
    """What one error says, best first. A score is the share of what was recognised in the text.

    ``confidence``: ``exact``, as it was heard; ``likely``, a telling line of it; ``possible``, only parts; ``none``.
    ``system``: what is known of it are the operating system's words alone, which any program may pass on. ``whole``:
    nothing in the error's lines is left unexplained, and the text tells of no other error and of no attempt before.
    ``ways``: the cells that say it, as numbers in the index. Without endings, nothing happened on the wire.
    """

    confidence: str
    system: bool = False
    whole: bool = False
    ways: tuple[int, ...] = ()
    clients: tuple[RankedClient, ...] = ()
    scenarios: tuple[RankedScenario, ...] = ()
    endings: tuple[RankedEnding, ...] = ()

    def plain(self) -> dict[str, object]:
        """As JSON has it, and ``lookup.js`` returns it."""
        return {
            "confidence": self.confidence,
            "system": self.system,
            "whole": self.whole,
            "ways": list(self.ways),
            "clients": [{**ranked._asdict(), "why": list(ranked.why)} for ranked in self.clients],
            "scenarios": [{**ranked._asdict(), "cells": list(ranked.cells)} for ranked in self.scenarios],
            "endings": [ranked._asdict() for ranked in self.endings],
        }


def lookup(index: Index, text: str) -> list[Answer]:
    """What is known of an error text: an answer for each error in it, the best explained first; one at least."""
    found = find(index, text)
    answers: list[Answer] = []
    while len(answers) < ANSWERS and tells(index, found):
        answer, explained = _rank(index, found)
        answers.append(answer)
        lines = {line for number in explained for line in found[number].lines}
        found = {number: match for number, match in found.items() if not match.lines <= lines}
    if len(answers) > 1 or _BEFORE.search(text):
        answers = [replace(answer, whole=False) for answer in answers]
    return answers or [Answer("none")]


Cells = defaultdict[int, set[int]]
"""By a fragment's number, cells."""


class _Heard:
    """Where the fragments that were found were heard."""

    def __init__(self, index: Index, found: Found) -> None:
        self.lines: Cells = defaultdict(set)
        """As a whole line."""
        self.parts: Cells = defaultdict(set)
        """As a part of a line."""
        self.complete: Cells = defaultdict(set)
        """As a line of a text of which all lines were found."""
        self.alone: set[int] = set()
        """In one of whose texts all was heard that was found, and nothing else."""
        for text in index.texts:
            said = [number for number in text.lines if number in found]
            for number in said:
                self.lines[number].update(text.cells)
            for number in text.parts:
                if number in found:
                    self.parts[number].update(text.cells)
            if len(said) == len(text.lines):
                for number in said:
                    self.complete[number].update(text.cells)
                if len(said) == len(found) > 1:
                    self.alone.update(text.cells)


class _Scores:
    """The score of each cell, and of which fragments it comes."""

    def __init__(self, index: Index, found: Found) -> None:
        where = _Heard(index, found)
        self.as_lines = where.lines
        self.complete = where.complete
        self.by_cell: defaultdict[int, int] = defaultdict(int)
        self.heard: defaultdict[int, list[int]] = defaultdict(list)
        for number in sorted(found):
            weight = index.fragments[number].weight
            for cell in where.lines[number] | where.parts[number]:
                self.by_cell[cell] += weight * (LINE if cell in where.lines[number] else PART)
                self.heard[cell].append(number)
        for cell in where.alone:
            self.by_cell[cell] += ALONE
        self.total = sum(LINE * index.fragments[number].weight for number in found) + ALONE * (len(found) > 1)
        self.best = max(self.by_cell.values())

    def share(self, cell: int) -> float:
        """Of all that was found."""
        return self.by_cell[cell] / self.total

    def best_cells(self) -> list[int]:
        return [cell for cell, score in self.by_cell.items() if score == self.best]

    def ways(self, index: Index, explained: set[int]) -> list[int]:
        """The cells that say as much as the best ones, in one text or in several. Of a class's or a code's bare name,
        all that have it, because whoever gives no more may have left the rest out."""
        bare = all(" " not in index.fragments[number].words for number in explained)
        least = 0 if bare else self.best - ALONE
        return sorted(cell for cell, score in self.by_cell.items() if score >= least)


def _rank(index: Index, found: Found) -> tuple[Answer, set[int]]:
    """The answer for these fragments, and those among them that were heard in the best cells."""
    scores = _Scores(index, found)
    clients: dict[int, int] = {}
    scenarios: dict[int, list[int]] = {}
    endings: dict[tuple[str, str], list[int]] = {}
    best = scores.best_cells()
    nothing = any(index.cells[cell].scenario is None for cell in best)
    for cell, score in sorted(scores.by_cell.items(), key=lambda item: (-item[1], item[0])):
        heard = index.cells[cell]
        clients.setdefault(heard.speaker, cell)
        if heard.scenario is None or (nothing and cell not in best):
            continue
        moment = index.scenarios[heard.scenario].moment
        ranked = [scenarios.setdefault(heard.scenario, [])]
        if not nothing:
            ranked.append(endings.setdefault((heard.ending, moment), []))
        for cells in ranked:
            if not cells or scores.by_cell[cells[0]] == score:
                cells.append(cell)

    def order(cells: list[int]) -> tuple[int, int, int]:
        measured = sum(index.speakers[index.cells[cell].speaker].source is None for cell in cells)
        return -scores.by_cell[cells[0]], -measured, cells[0]

    explained = {number for cell in best for number in scores.heard[cell]}
    lines = {line for number in explained for line in found[number].lines}
    system = all(index.fragments[number].kind == SYSTEM for number in explained)
    answer = Answer(
        _confidence(index, found, scores),
        system,
        all(_whole(index, found, scores, cell, lines) for cell in best),
        tuple(scores.ways(index, explained)),
        tuple(
            sorted(
                (_client(index, found, scores, cell) for cell in clients.values()), key=lambda c: (-c.score, c.client)
            )
        ),
        tuple(_scenario(index, scores, cells) for cells in sorted(scenarios.values(), key=order)),
        tuple(_ending(index, scores, cells) for cells in sorted(endings.values(), key=order)),
    )
    return answer, explained


def _place(index: Index, cell: int) -> Place:
    scenario = index.cells[cell].scenario
    assert scenario is not None, "what has no scenario is ranked nowhere"
    return index.scenarios[scenario]


def _scenario(index: Index, scores: _Scores, cells: list[int]) -> RankedScenario:
    return RankedScenario(_place(index, cells[0]).id, scores.share(cells[0]), tuple(sorted(cells)))


def _ending(index: Index, scores: _Scores, cells: list[int]) -> RankedEnding:
    ending, moment = index.cells[cells[0]].ending, _place(index, cells[0]).moment
    return RankedEnding(ending, moment, scores.share(cells[0]), len(cells))


def _client(index: Index, found: Found, scores: _Scores, cell: int) -> RankedClient:
    speaker = index.speakers[index.cells[cell].speaker]
    why = dict.fromkeys(found[number].excerpt for number in scores.heard[cell])
    return RankedClient(
        speaker.name, scores.share(cell), tuple(why)[:REASONS], speaker.source is None, speaker.source, speaker.means
    )


def _confidence(index: Index, found: Found, scores: _Scores) -> str:
    cell = min(scores.best_cells())
    sure = [
        number
        for number in scores.heard[cell]
        if cell in scores.as_lines[number] and (index.fragments[number].kind >= ERROR or found[number].own)
    ]
    if not tells(index, sure):
        return "possible"
    if all(index.fragments[number].kind == SYSTEM for number in sure):
        return "likely"
    own = all(
        cell in scores.as_lines[number] and (match.own or index.fragments[number].kind in (FRAME, FIELD))
        for number, match in found.items()
    )
    return "exact" if own else "likely"


def _whole(index: Index, found: Found, scores: _Scores, cell: int, lines: set[int]) -> bool:
    """Whether this cell says all of these lines, in texts of which no line is missing: nothing follows from a part."""
    for line in lines:
        errors = {n for n, match in found.items() if line in match.lines and index.fragments[n].kind > FRAME}
        said = {n for n in errors if cell in scores.complete[n]}
        if any(index.fragments[n].kind == FIELD for n in said):
            continue
        if said != errors or not all(found[n].whole for n in said):
            return False
    return True
