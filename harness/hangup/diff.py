"""What two sets of results differ in: cell by cell, most serious first. Pure: results in, differences out.

What counts as a difference is ``ASPECTS``, how serious it is ``LEVELS``; both are data. How it is shown, and where
results come from, it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

from pydantic import BaseModel

from hangup.catalogue import Scenario
from hangup.judge import Outcome, Verdict
from hangup.ladder.words import acted_on, faithful, lost
from hangup.matrix import JudgedCell, judged
from hangup.store import Cell, ClientResults, Observation
from hangup.store.model import Link

SideName = Literal["old", "new"]
Keyed = Mapping[tuple[str, str], ClientResults]
"""Results by what they are compared under: platform (empty where it does not matter) and client."""


@dataclass(frozen=True)
class Change:
    """One aspect that differs. Each side's distinct values, the commonest first; none where it has no such thing."""

    aspect: str
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True)
class CellDiff:
    """One cell that both sides have, and that differs."""

    client: str
    platform: str
    scenario: str
    changes: tuple[Change, ...]

    def differs(self, *aspects: str) -> bool:
        """Whether any of these is among what changed."""
        return any(change.aspect in aspects for change in self.changes)

    def one_sided(self, outcomes: Sequence[str]) -> bool:
        """Whether one side has any of these outcomes and the other has none of them."""
        return any(
            set(outcomes).isdisjoint(change.old) != set(outcomes).isdisjoint(change.new)
            for change in self.changes
            if change.aspect == "outcome"
        )

    @property
    def level(self) -> Level:
        """The most serious that holds."""
        return next(level for level in LEVELS if level.holds(self))


@dataclass(frozen=True)
class OneSided:
    """What only one side has: cells of a client, or the whole client."""

    side: SideName
    client: str
    platform: str
    whole: bool
    scenarios: tuple[str, ...]


@dataclass(frozen=True)
class StackChange:
    """A version, or another part of what really ran, that changed for these clients. None: that side has it not."""

    what: str
    old: str | None
    new: str | None
    clients: tuple[str, ...]


@dataclass(frozen=True)
class Diff:
    """All that two sets of results differ in."""

    cells: tuple[CellDiff, ...]
    one_sided: tuple[OneSided, ...]
    stacks: tuple[StackChange, ...]
    unproved: tuple[SideName, ...]
    """Sides with results that no packet proves: there only what the application is told was compared."""
    unjudged: tuple[str, ...]
    """Scenarios that both sides have and the catalogue no longer has: they were not compared."""

    def __bool__(self) -> bool:
        """Whether they differ. Versions alone are no difference: they are what a difference is put down to."""
        return bool(self.cells or self.one_sided)


class Aspect(NamedTuple):
    """One thing that is compared of each observation; its text is empty where the observation has no such thing."""

    name: str
    by_wire: bool
    """Only packets can tell it, so both sides must be proved."""
    read: Callable[[Observation, Verdict], str]


def _attempts(_: Observation, verdict: Verdict) -> str:
    if not verdict.retried:
        return "no retry"
    sent = ", ".join(f"{count} {method}" for method, count in (verdict.sent or {}).items())
    return f"×{verdict.tries}" + (f" ({sent})" if sent else "")


def _error(read: Callable[[Link], str], *, cause: bool) -> Callable[[Observation, Verdict], str]:
    """Reads the error that is caught, or the one at the end of its chain where that is another."""

    def of(observation: Observation, verdict: Verdict) -> str:
        chain = observation.operations[verdict.decisive].error
        return read(chain[-1 if cause else 0]) if len(chain) > cause else ""

    return of


def _type(link: Link) -> str:
    return f"{link.type} ({link.code})" if link.code else link.type


def _message(link: Link) -> str:
    return link.message


ASPECTS: Sequence[Aspect] = (
    Aspect("outcome", False, lambda _, v: v.outcome.value),
    Aspect("faithful", True, lambda _, v: faithful(v).word),
    Aspect("attempts", True, _attempts),
    Aspect("acted on", True, lambda _, v: acted_on(v).word),
    Aspect("lost", True, lambda _, v: lost(v).word),
    Aspect("type", False, _error(_type, cause=False)),
    Aspect("cause's type", False, _error(_type, cause=True)),
    Aspect("message", False, _error(_message, cause=False)),
    Aspect("cause's message", False, _error(_message, cause=True)),
    Aspect("printed", False, lambda o, v: o.operations[v.decisive].printed or ""),
)
REST = "rest"
"""The aspect of all that is recorded beside these; looked at where these are alike, so that no difference is missed."""
NO_RESULT = ("invalid", "agent failed")


class Level(NamedTuple):
    """How serious a difference is."""

    name: str
    title: str
    holds: Callable[[CellDiff], bool]


LEVELS: Sequence[Level] = (
    Level("truncation", "A truncated or wrong answer passes for the right one on one side only",
          lambda d: d.one_sided((Outcome.SILENT_TRUNCATION, Outcome.WRONG_ANSWER))),
    Level("result", "One side has no result", lambda d: d.one_sided(NO_RESULT)),
    Level("outcome", "The application is told something else", lambda d: d.differs("outcome")),
    Level("faithful", "What it is told agrees with the wire on one side only", lambda d: d.differs("faithful")),
    Level("retry", "The client tries again otherwise, or a request is acted on otherwise",
          lambda d: d.differs("attempts", "acted on")),
    Level("lost", "Other bytes are lost", lambda d: d.differs("lost")),
    Level("type", "Another type is caught, or is the cause", lambda d: d.differs("type", "cause's type")),
    Level("message", "Another message", lambda d: d.differs("message", "cause's message")),
    Level("printed", "Another text is printed where nobody catches it", lambda d: d.differs("printed")),
    Level("rest", "Something else that is recorded", lambda d: d.differs(REST)),
)  # fmt: skip
"""Most serious first: wrong data, then what code decides by, then what people read."""


def compare(old: Sequence[ClientResults], new: Sequence[ClientResults], catalogue: Mapping[str, Scenario]) -> Diff:
    """What ``new`` differs in from ``old``, in the scenarios of the catalogue.

    A client is compared with itself on the same platform, or, where each side has one platform, across the two.
    """
    across = all(len({results.platform for results in side}) == 1 for side in (old, new))
    olds, news = _by_key(old, across=across), _by_key(new, across=across)
    pairs = [(olds[key], news[key]) for key in sorted(olds.keys() & news.keys())]
    cells = [cell for pair in pairs for cell in _cells(*pair, catalogue)]
    rank = {level.name: number for number, level in enumerate(LEVELS)}
    return Diff(
        cells=tuple(sorted(cells, key=lambda cell: rank[cell.level.name])),
        one_sided=(*_one_sided("old", olds, news), *_one_sided("new", news, olds)),
        stacks=tuple(_stacks(pairs)),
        unproved=tuple(_unproved(old, new)),
        unjudged=tuple(sorted({name for a, b in pairs for name in a.cells.keys() & b.cells.keys()} - catalogue.keys())),
    )


def _by_key(side: Sequence[ClientResults], *, across: bool) -> Keyed:
    return {("" if across else results.platform, results.client): results for results in side}


def _unproved(old: Sequence[ClientResults], new: Sequence[ClientResults]) -> Iterator[SideName]:
    if not all(results.proved for results in old):
        yield "old"
    if not all(results.proved for results in new):
        yield "new"


class _Terms(NamedTuple):
    """What two clients' results can be compared by."""

    proved: bool
    text: Callable[[str], str]


def _terms(old: ClientResults, new: ClientResults) -> _Terms:
    """Loopback has one address for both ends, so beside its texts those of another lab may not tell them apart."""
    one_host = "loopback" in (old.platform, new.platform)
    return _Terms(old.proved and new.proved, partial(_ADDRESS.sub, "HOST") if one_host else str)


_ADDRESS = re.compile(r"\b(?:PEER|CLIENT)\b")


def _cells(old: ClientResults, new: ClientResults, catalogue: Mapping[str, Scenario]) -> Iterator[CellDiff]:
    """In the catalogue's order."""
    terms = _terms(old, new)
    news = {cell.scenario.id: cell for cell in judged(new, catalogue)}
    for cell in judged(old, catalogue):
        name = cell.scenario.id
        if name in news and (changes := tuple(_changes(cell, news[name], terms))):
            yield CellDiff(old.client, _platforms(old, new), name, changes)


def _platforms(old: ClientResults, new: ClientResults) -> str:
    return old.platform if old.platform == new.platform else f"{old.platform} → {new.platform}"


def _changes(old: JudgedCell, new: JudgedCell, terms: _Terms) -> Iterator[Change]:
    """What differs between two cells, in the order of ``ASPECTS``; the rest only where none of these does."""
    found = False
    for aspect in ASPECTS[:1] if _no_result(old) or _no_result(new) else ASPECTS:
        before, after = _values(aspect, old, terms), _values(aspect, new, terms)
        # Which of two values is the commoner may change by chance; it is left to the rest.
        if (terms.proved or not aspect.by_wire) and set(before) != set(after):
            found = True
            yield Change(aspect.name, before, after)
    if not found:
        befores, afters = _recorded(old.cell, terms), _recorded(new.cell, terms)
        keys = [key for key in befores | afters if befores.get(key) != afters.get(key)]
        if keys:
            yield Change(REST, _lines(befores, keys), _lines(afters, keys))


def _no_result(cell: JudgedCell) -> bool:
    return cell.short in NO_RESULT


def _values(aspect: Aspect, cell: JudgedCell, terms: _Terms) -> tuple[str, ...]:
    if _no_result(cell):
        return (cell.short,)
    texts = map(aspect.read, cell.cell.observations, cell.verdicts)
    return tuple(dict.fromkeys(terms.text(text) for text in texts if text))


def _recorded(cell: Cell, terms: _Terms) -> dict[str, str]:
    evidence = {"observations": {"__all__": {"proved", "connections"}}}
    flat = _flat(cell.model_dump(mode="json", exclude_none=True, exclude=None if terms.proved else evidence))
    return {key: terms.text(leaf) for key, leaf in flat.items()}


def _lines(recorded: Mapping[str, str], keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{key}: {recorded[key]}" for key in keys if key in recorded)


def _flat(value: object, path: str = "") -> dict[str, str]:
    """Every leaf of a JSON value by its path: ``observations.0.operations.1.received``."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {
            key: leaf
            for name, item in items
            for key, leaf in _flat(item, f"{path}.{name}" if path else f"{name}").items()
        }
    return {path: str(value)}


def _one_sided(side: SideName, ours: Keyed, theirs: Keyed) -> Iterator[OneSided]:
    for key, results in sorted(ours.items()):
        other = theirs.get(key)
        scenarios = tuple(name for name in results.cells if other is None or name not in other.cells)
        if scenarios or other is None:
            yield OneSided(side, results.client, results.platform, other is None, scenarios)


def _stacks(pairs: Sequence[tuple[ClientResults, ClientResults]]) -> Iterator[StackChange]:
    """The same change of several clients is told once: a language's runtime is that of all its clients."""
    clients: dict[tuple[str, str | None, str | None], list[str]] = {}
    for old, new in pairs:
        before, after = _stack(old.stack), _stack(new.stack)
        for what in before | after:
            change = (what, before.get(what), after.get(what))
            if change[1] != change[2]:
                clients.setdefault(change, []).append(old.client)
    for (what, was, now), names in clients.items():
        yield StackChange(what, was, now, tuple(dict.fromkeys(names)))


def _stack(stack: BaseModel) -> dict[str, str]:
    """``runtime``, ``system`` and whatever else is recorded of what ran; of a library its name alone."""
    flat = _flat(stack.model_dump(mode="json", exclude_none=True))
    return {what.removeprefix("versions."): text for what, text in flat.items()}
