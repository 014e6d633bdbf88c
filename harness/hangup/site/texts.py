"""Error texts: each text that clients gave, with who gives it and when. What the pages of errors are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hangup.site.model import Entry, Measured, Report, Site
from hangup.store.model import Link

CAUGHT, BETWEEN, CAUSE = "caught", "between", "cause"


@dataclass(frozen=True)
class Use:
    """One place where a text was met."""

    entry: Entry
    measured: Measured
    report: Report
    link: Link
    place: str
    """Where in its chain: what the application catches, its innermost cause, or between them."""


@dataclass(frozen=True)
class ErrorText:
    """A text. Where an error has none, its type is all that can be read, and stands for it."""

    text: str
    uses: tuple[Use, ...]

    @property
    def title(self) -> str:
        """Its first line."""
        return self.text.partition("\n")[0]

    @property
    def types(self) -> tuple[str, ...]:
        """The types that bear it."""
        return tuple(sorted({use.link.type for use in self.uses}))

    @property
    def clients(self) -> tuple[str, ...]:
        """Those that say it."""
        return tuple(dict.fromkeys(use.entry.client for use in self.uses))

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Those in which it is said."""
        return tuple(dict.fromkeys(use.entry.scenario.id for use in self.uses))


def text_of(link: Link) -> str:
    """By which an error's page is found."""
    return link.message.strip() or link.type


def error_texts(site: Site) -> list[ErrorText]:
    """All texts, by the letters that they begin with."""
    found: dict[str, dict[tuple[object, ...], Use]] = {}
    for entry in site.entries.values():
        for measured in entry.measured:
            for report in measured.reports:
                for use in _uses(entry, measured, report):
                    key = (entry.client, entry.scenario.id, report.verdict.outcome, use.place, use.link.type)
                    found.setdefault(text_of(use.link), {}).setdefault(key, use)
    texts = (ErrorText(text, tuple(uses.values())) for text, uses in found.items())
    return sorted(texts, key=lambda text: (_letters(text.text), text.text))


def _uses(entry: Entry, measured: Measured, report: Report) -> Iterable[Use]:
    for operation in report.observation.operations:
        for number, link in enumerate(operation.error):
            yield Use(entry, measured, report, link, _place(number, operation.error))


def _place(number: int, chain: Sequence[Link]) -> str:
    if number == 0:
        return CAUGHT
    return CAUSE if number == len(chain) - 1 else BETWEEN


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())
