"""What to catch: the smallest set of error types that covers every error a client gave, and what a retry may do.

Only types that the client really gave are in a set; what stands above what (``handling.toml``) tells which of them
catch each other. It knows nothing of pages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from hangup.judge import Outcome
from hangup.outcome import ActedOn, worst
from hangup.reading import read_toml
from hangup.site.model import Entry, Report
from hangup.store.model import Link

FILE = Path(__file__).with_name("handling.toml")
_ERRNO = re.compile(r"E[A-Z0-9]+")


class Language(BaseModel):
    """How a language's users tell errors apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    look: Literal["caught", "chain"] = "caught"
    by: Literal["type", "code"] = "type"
    errno: str = "{}"
    form: str = "{}"
    code_form: str = "{}"
    bases: Mapping[str, str] = {}

    def names(self, chain: Sequence[Link]) -> tuple[str, ...]:
        """What the errors of a chain are known by where they are handled, the outermost first."""
        seen = chain if self.look == "chain" else chain[:1]
        return tuple(dict.fromkeys(map(self._name, seen)))

    def written(self, name: str, chains: Iterable[Sequence[Link]]) -> str:
        """A handler for a name of these chains, as the language writes it."""
        is_code = any(name == self._name(link) != link.type for chain in chains for link in chain)
        return (self.code_form if is_code else self.form).format(name)

    def _name(self, link: Link) -> str:
        if self.by == "type" or not link.code:
            return link.type
        return self.errno.format(link.code) if _ERRNO.fullmatch(link.code) else link.code

    def above(self, name: str) -> tuple[str, ...]:
        """A type and all that it is one of."""
        found = [name]
        while (base := self.bases.get(found[-1])) is not None:
            found.append(base)
        return tuple(found)


@lru_cache(maxsize=1)
def languages() -> Mapping[str, Language]:
    """The languages that are known."""
    return TypeAdapter(dict[str, Language]).validate_python(read_toml(FILE))


def language(client: str) -> Language:
    """The one of a client; of an unknown one types are all that is to be gone by."""
    return languages().get(client.partition("/")[0], Language())


@dataclass(frozen=True)
class Failure:
    """One error that a client gave."""

    entry: Entry
    report: Report

    @property
    def acted_on(self) -> ActedOn | None:
        """Whether the peer acted on the request: the worst of all trials of its cell."""
        return worst(report.verdict.acted_on for report in self.entry.leading.reports)


@dataclass(frozen=True)
class Handler:
    """A way to tell errors from others, and the errors that it takes."""

    names: tuple[str, ...]
    """The type or code that is handled; or a whole chain, from what is caught down to the cause."""
    code: str
    """As it is written in the language."""
    failures: tuple[Failure, ...]

    @property
    def outcomes(self) -> list[tuple[Outcome, int]]:
        """What the application is told by them, the commonest first."""
        return Counter(failure.report.verdict.outcome for failure in self.failures).most_common()

    @property
    def safe(self) -> bool:
        """Whether a retry was, in all that was measured: it was given only where the request was not acted on."""
        return bool(self.failures) and len(self.not_acted_on) == len(self.failures)

    @property
    def not_acted_on(self) -> tuple[Failure, ...]:
        """Those in which the peer cannot have acted on the request."""
        return tuple(failure for failure in self.failures if failure.acted_on is ActedOn.NO)

    @property
    def maybe_acted_on(self) -> tuple[Failure, ...]:
        """Those after which a retry may do the request a second time. Where no request was made, neither is known."""
        return tuple(failure for failure in self.failures if failure.acted_on in (ActedOn.YES, ActedOn.MAYBE))


@dataclass(frozen=True)
class Catching:
    """A client's errors, handled; and what no handler can take."""

    handlers: tuple[Handler, ...]
    """The smallest set. Each takes the errors that no other before it took."""
    causes: tuple[Handler, ...]
    """The same errors by their whole chains: those first after which a retry is safe, then those of requests that can
    have been acted on the least often."""
    ends: tuple[Entry, ...]
    """The end of the stream is told by a return value."""
    short: tuple[Entry, ...]
    """Half an answer is returned as a whole one."""
    wrong: tuple[Entry, ...]
    """Another answer is returned than the peer gave."""
    hangs: tuple[Entry, ...]
    """Nothing is told at all."""


def catching(client: str, entries: Sequence[Entry]) -> Catching:
    """What to catch of a client, from all its cells."""
    reports = [(entry, report) for entry in entries for report in entry.leading.reports]
    failures = [Failure(entry, report) for entry, report in reports if report.decisive.error]
    returned = [(entry, report) for entry, report in reports if not report.decisive.error]

    def told(outcome: Outcome) -> tuple[Entry, ...]:
        return tuple(dict.fromkeys(entry for entry, report in returned if report.verdict.outcome is outcome))

    return Catching(
        _handlers(language(client), failures), _causes(failures),
        told(Outcome.EOF), told(Outcome.SILENT_TRUNCATION), told(Outcome.WRONG_ANSWER), told(Outcome.HANG),
    )  # fmt: skip


def _handlers(its: Language, failures: Sequence[Failure]) -> tuple[Handler, ...]:
    given = [its.names(failure.report.decisive.error) for failure in failures]
    left = dict.fromkeys(range(len(failures)))
    handlers = []
    for name in smallest_cover(its, given):
        taken = [i for i in left if any(name in its.above(own) for own in given[i])]
        for i in taken:
            del left[i]
        code = its.written(name, (failures[i].report.decisive.error for i in taken))
        handlers.append(Handler((name,), code, tuple(failures[i] for i in taken)))
    return tuple(handlers)


def _causes(failures: Sequence[Failure]) -> tuple[Handler, ...]:
    by_chain: dict[tuple[str, ...], list[Failure]] = {}
    for failure in failures:
        chain = failure.report.decisive.error
        names = tuple(link.type + (f" {link.code}" if link.code else "") for link in chain)
        by_chain.setdefault(names, []).append(failure)
    found = (Handler(names, names[0], tuple(members)) for names, members in by_chain.items())
    return tuple(sorted(found, key=lambda its: (not its.safe, len(its.maybe_acted_on) / len(its.failures), its.names)))


def smallest_cover(its: Language, given: Sequence[Sequence[str]]) -> list[str]:
    """The fewest of the ``given`` names that cover all errors, in the order in which they must be tried.

    Of equally many the outermost are taken, being the API's own, and then those that come first by name.
    """
    kinds = sorted({tuple(names) for names in given})
    depth = {name: min(k.index(name) for k in kinds if name in k) for names in kinds for name in names}
    covers = {
        name: frozenset(i for i, names in enumerate(kinds) if any(name in its.above(own) for own in names))
        for name in sorted(depth, key=lambda name: (depth[name], name))
    }
    useful = [
        name
        for name, kinds_covered in covers.items()
        if not any(
            kinds_covered < other or (kinds_covered == other and _before(covers, rival, name))
            for rival, other in covers.items()
        )
    ]
    everything = frozenset(range(len(kinds)))
    for size in range(len(useful) + 1):
        for chosen in combinations(useful, size):
            if frozenset().union(*(covers[name] for name in chosen)) == everything:
                return sorted(chosen, key=lambda name: (-len(its.above(name)), useful.index(name)))
    raise AssertionError("every error has a name")  # pragma: no cover


def _before(covers: Mapping[str, object], one: str, other: str) -> bool:
    order = list(covers)
    return order.index(one) < order.index(other)
