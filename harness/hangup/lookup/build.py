"""Making the index from the results: which texts there are, how they are cut into fragments, and what each weighs.

Every error that was reported is heard in several ways, because any of them may stand in a log: each link of its chain
as its message, as ``type: message`` and as its code; and what the language prints, line by line.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hangup.catalogue import Scenario
from hangup.lookup.documented import Documented, read_documented
from hangup.lookup.index import ERROR, FIELD, FRAME, SYSTEM, WORD, Fragment, Heard, Index, Place, Speaker, Text
from hangup.lookup.mask import Masker, read_masks
from hangup.lookup.moment import moment
from hangup.matrix import judged
from hangup.outcome import worst
from hangup.store import ClientResults
from hangup.store.model import Link

_FACTOR = {FRAME: 10, WORD: 20, ERROR: 30, SYSTEM: 30, FIELD: 30}
"""Class names, codes and sentences of an error weigh more than the lines around it."""
_SHORTEST = 3
"""Words: a line such as ``raise err``, or a clause such as ``bytes read``, would be found in any prose."""
_NAME = re.compile(
    r"^(?:[A-Z][A-Z0-9]+_[A-Z0-9_]+|E[A-Z]{3,}|(?:errno|number)_[0-9]{2,}|WSAE[A-Z]+|(?![0-9])[A-Za-z0-9]*[a-z][A-Z][A-Za-z]*)$"
)
"""A word that is a code (``ECONNRESET``, ``UND_ERR_SOCKET``) or a class (``RemoteDisconnected``): telling by itself."""
_GENERAL = frozenset({"Error", "TypeError", "OSError", "IOException", "StatusCode"})
"""Classes that tell nothing of a connection."""
_FRAMES = {"reset stream": "rst-stream", "send goaway": "goaway"}
"""HTTP/2's own endings: what the connection did afterwards was told to nobody."""
_SYSTEM = re.compile(r"\[Errno [0-9]+\] ([A-Z][a-z ]+)")
"""How Python passes on the operating system's own words for a number."""
_CLAUSE = re.compile(r"[][:;,()<>{}\"'=]+|\. ")


class Said(NamedTuple):
    """One text, before its fragments have numbers."""

    shown: str
    lines: tuple[str, ...]
    parts: tuple[str, ...]
    around: frozenset[str] = frozenset()
    """Those of its lines that name no error, and only stand around one."""
    anywhere: bool = False
    """Whether its lines say the same wherever they stand."""


def build(results: Iterable[ClientResults], catalogue: Mapping[str, Scenario]) -> Index:
    """The index of all that was reported, and of what is documented beside it."""
    return _Builder(catalogue).build(results, read_documented())


class _Builder:
    def __init__(self, catalogue: Mapping[str, Scenario]) -> None:
        self._catalogue = catalogue
        self._masks = read_masks()
        self._masker = Masker(self._masks)
        self._masked: dict[str, list[tuple[str, str]]] = {}
        self._speakers: dict[Speaker, int] = {}
        self._cells: dict[Heard, int] = {}
        self._said: defaultdict[Said, dict[int, None]] = defaultdict(dict)
        self._scenarios = [
            Place(scenario.id, scenario.title, moment(scenario), scenario.teaches) for scenario in catalogue.values()
        ]
        self._system: frozenset[str] = frozenset()
        self._places = {name: number for number, name in enumerate(catalogue)}

    def build(self, results: Iterable[ClientResults], documented: Sequence[Documented]) -> Index:
        measured = sorted(results, key=lambda result: (result.client, result.platform))
        self._system = frozenset(self._masker.words(text) for result in measured for text in _system_words(result))
        for result in measured:
            self._measured(result)
        for entry in documented:
            self._documented(entry)
        fragments = self._fragments()
        numbers = {fragment.words: number for number, fragment in enumerate(fragments)}
        return Index(
            masks=self._masks,
            speakers=tuple(self._speakers),
            scenarios=tuple(self._scenarios),
            cells=tuple(self._cells),
            fragments=tuple(fragments),
            texts=tuple(
                Text(
                    said.shown,
                    tuple(sorted(numbers[words] for words in said.lines)),
                    tuple(sorted(numbers[words] for words in said.parts)),
                    tuple(sorted(cells)),
                )
                for said, cells in sorted(self._said.items(), key=lambda item: item[0][:3])
            ),
        )

    def _lines(self, text: str) -> list[tuple[str, str]]:
        """The lines of a text, masked; most texts are heard in many cells."""
        if text not in self._masked:
            self._masked[text] = self._masker.lines(text)
        return self._masked[text]

    def _number(self, heard: Heard) -> int:
        return self._cells.setdefault(heard, len(self._cells))

    def _speaker(self, speaker: Speaker) -> int:
        return self._speakers.setdefault(speaker, len(self._speakers))

    def _measured(self, results: ClientResults) -> None:
        cells = list(judged(results, self._catalogue))
        repeats = any(sum((verdict.sent or {}).values()) > 1 for cell in cells for verdict in cell.verdicts)
        speaker = self._speaker(Speaker(results.client, None, None, repeats))
        for cell in cells:
            acted_on = worst(verdict.acted_on for verdict in cell.verdicts)
            for observation, verdict in zip(cell.cell.observations, cell.verdicts, strict=True):
                packets = verdict.ending if observation.connections else "unknown"
                last = _frame(cell.scenario) or packets
                number = self._number(
                    Heard(
                        speaker, self._places[cell.scenario.id], last, verdict.outcome.value, verdict.faithful,
                        acted_on, verdict.tries,
                    )
                )  # fmt: skip
                for operation in observation.operations:
                    for said in self._ways(operation.error, operation.printed):
                        self._said[said][number] = None

    def _documented(self, entry: Documented) -> None:
        """Of results that have no ending like those that it is about, it is left out: nothing could be said of it. Its
        cells are in the order in which it names scenarios, outcomes and moments, the likeliest first; then those first
        that most clients were heard in."""
        speaker = self._speaker(Speaker(entry.who, entry.source, entry.means, repeats=False))
        acted_on, outcome = entry.acted_on.value, "" if entry.outcome is None else entry.outcome.value
        where: defaultdict[tuple[int, str], list[Heard]] = defaultdict(list)
        for cell in self._cells:
            if cell.scenario is not None and entry.explains(cell, self._scenarios[cell.scenario]):
                where[cell.scenario, cell.ending].append(cell)
        likely = {
            key: min(entry.likely(cell.outcome, self._scenarios[key[0]]) for cell in cells)
            for key, cells in where.items()
        }
        cells = [
            self._number(Heard(speaker, scenario, ending, outcome, None, acted_on, 1))
            for scenario, ending in sorted(where, key=lambda key: (likely[key], -len(where[key]), key))
        ]
        if entry.endings == ():
            cells = [self._number(Heard(speaker, None, "", outcome, None, acted_on, 0))]
        for text in entry.says if cells else ():
            for said in self._whole(text):
                self._said[said._replace(anywhere=entry.anywhere)].update(dict.fromkeys(cells))

    def _ways(self, chain: Sequence[Link], printed: str | None) -> Iterator[Said]:
        """All the ways in which one error may stand in a log."""
        for link in chain:
            for text in (link.message, link.code or ""):
                yield from self._whole(text)
            yield from self._whole(f"{link.type}: {link.message}" if link.message else link.type)
            number = f"errno_{link.errno}"
            if link.errno is not None and link.code:
                yield Said(f"{link.code} ({link.errno})", (number,), ())
            yield from self._passed_on(link.message)
        if printed:
            yield from self._printed(chain, printed)

    def _passed_on(self, message: str) -> Iterator[Said]:
        """The operating system's words in a message: alone, because logs of other programs have them so."""
        for _line, words in self._lines(message):
            yield from (Said(text, (text,), ()) for text in sorted(self._system) if f" {text} " in f" {words} ")

    def _printed(self, chain: Sequence[Link], printed: str) -> Iterator[Said]:
        errors = [
            words for link in chain for _line, words in self._lines(f"{link.message}\n{link.type}\n{link.code or ''}")
        ]
        lines = dict.fromkeys(words for _line, words in self._lines(printed) if _telling(words))
        if lines:
            around = frozenset(words for words in lines if not any(f" {error} " in f" {words} " for error in errors))
            yield Said(_last_line(printed), tuple(lines), (), around)

    def _whole(self, text: str) -> Iterator[Said]:
        lines = tuple(dict.fromkeys(words for _line, words in self._lines(text)))
        if len(lines) > 1:  # the shortest of several are labels, or bytes that the error shows
            lines = tuple(words for words in lines if _telling(words))
        if lines:
            yield Said(text, lines, tuple(dict.fromkeys(self._parts(text, lines))))

    def _parts(self, text: str, lines: Sequence[str]) -> Iterator[str]:
        """Clauses of some words or with a name among them, and names that tell something alone."""
        for line, _words in self._lines(text):
            for clause in _CLAUSE.split(line):
                words = self._masker.words(clause)
                if " " in words and _telling(words) and words not in lines:
                    yield words
        for words in lines:
            if words not in (names := _names(words)):
                yield from (name for name in names if name not in _GENERAL)

    def _fragments(self) -> list[Fragment]:
        """All fragments, with their kinds and weights, the most telling first."""
        kinds: dict[str, int] = {}
        cells: defaultdict[str, set[int]] = defaultdict(set)
        for said, heard in self._said.items():
            for words in (*said.lines, *said.parts):
                kind = FRAME if words in said.around else SYSTEM if words in self._system else _kind(words)
                kind = FIELD if said.anywhere and words in said.lines else kind
                kinds[words] = max(kinds.get(words, FRAME), kind)
                cells[words].update(heard)
        numbered = list(self._cells)
        names = [speaker.name for speaker in self._speakers]
        everybody = len(set(names))
        made = []
        for words, heard_in in cells.items():
            speakers = {names[numbered[number].speaker] for number in heard_in}
            places = {numbered[number].scenario for number in heard_in}
            telling = 1 + math.log2(everybody / len(speakers)) + math.log2(len(self._places) / len(places))
            made.append(Fragment(words, round(_FACTOR[kinds[words]] * telling), kinds[words]))
        return sorted(made, key=lambda fragment: (-fragment.kind, -fragment.weight, fragment.words))


def _system_words(results: ClientResults) -> Iterator[str]:
    """What a client heard of the operating system, as it is."""
    for cell in results.cells.values():
        for operation in (operation for observation in cell.observations for operation in observation.operations):
            for link in operation.error:
                if link.errno is not None and (found := _SYSTEM.fullmatch(link.message)):
                    yield found[1]


def _names(words: str) -> list[str]:
    """The codes and classes among them, without what the masks say of a class's package."""
    return [name for word in words.split(" ") if _NAME.match(name := word.removeprefix("of_"))]


def _kind(words: str) -> int:
    return ERROR if _telling(words) else WORD


def _frame(scenario: Scenario) -> str | None:
    """The frame of HTTP/2 with which the peer ends a stream or takes leave, if it does."""
    return next((_FRAMES[step.act] for step in scenario.flat if step.actor == "peer" and step.act in _FRAMES), None)


def _telling(words: str) -> bool:
    return words.count(" ") + 1 >= _SHORTEST or bool(_names(words))


def _last_line(printed: str) -> str:
    """The line that names a printed text: that with which the language begins or ends it."""
    lines = printed.strip("\n").split("\n")
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]
