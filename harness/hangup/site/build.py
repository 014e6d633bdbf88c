"""Building the site: every page is made from the model by its template, and written into one folder.

The only part that writes. Whatever a client said reaches a page through a template that escapes it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from hangup import lookup
from hangup.catalogue import words
from hangup.errors import StoreError
from hangup.judge import Outcome
from hangup.ladder.words import TOLD, gave, stored_evidence, verdict_sentences
from hangup.lookup import Index
from hangup.lookup.advice import CAPTURE
from hangup.lookup.index import dump
from hangup.matrix import PLATFORMS
from hangup.site import addresses as at
from hangup.site.badges import badge
from hangup.site.catching import catching
from hangup.site.citation import cite
from hangup.site.diagram import svg
from hangup.site.model import Entry, Site
from hangup.site.texts import error_texts, text_of
from hangup.store import ScenarioReset
from hangup.store.drawings import Drawing, rank
from hangup.store.files import write_text
from hangup.tables.pages import FINDINGS
from hangup.tables.scenarios import HEADINGS, reset_reasons

ASSETS = Path(__file__).with_name("assets")
EXAMPLES = (
    "Connection reset by peer", "socket hang up", "unexpected EOF", "write: broken pipe",
    "Remote end closed connection without response",
)  # fmt: skip
UNPROVED = "UNPROVED: this lab could not capture packets, so nothing proves that these endings happened."

LETTERS: Mapping[Outcome, str] = {
    Outcome.SUCCESS: "S",
    Outcome.RESET: "R",
    Outcome.BROKEN_PIPE: "P",
    Outcome.EOF: "E",
    Outcome.TRUNCATED: "T",
    Outcome.REFUSED: "F",
    Outcome.UNREACHABLE: "U",
    Outcome.ABORTED: "A",
    Outcome.TIMEOUT: "O",
    Outcome.TLS: "L",
    Outcome.PROTOCOL: "X",
    Outcome.SILENT_TRUNCATION: "½",
    Outcome.WRONG_ANSWER: "W",
    Outcome.HANG: "H",
    Outcome.UNSPECIFIC: "N",
    Outcome.UNMAPPED: "?",
}
"""The matrix in letters only."""


@dataclass(frozen=True)
class Finding:
    """Cells that have something surprising in common."""

    title: str
    cells: tuple[Entry, ...]

    @property
    def by_client(self) -> dict[str, list[Entry]]:
        """The same, by client."""
        found: dict[str, list[Entry]] = {}
        for entry in self.cells:
            found.setdefault(entry.client, []).append(entry)
        return found


def findings(site: Site) -> list[Finding]:
    """Those of the results page, of each cell's leading platform."""
    found = []
    for title, holds in FINDINGS:
        cells = tuple(
            entry for entry in site.entries.values() if any(holds(verdict) for verdict in entry.leading.cell.verdicts)
        )
        if cells:
            found.append(Finding(title, cells))
    return found


def tint(entry: Entry) -> str:
    """The class of a cell: its outcome, and whether it misleads."""
    outcome = entry.outcomes[0].value if entry.outcomes else "failed"
    return f"{outcome} misleading" if entry.misleading else outcome


@dataclass(frozen=True)
class Extras:
    """What pages show beside the results, as far as it is there."""

    index: Index
    """What the search looks in."""
    base_url: str | None = None
    """Where the site will be, with a slash at its end; without it a citation names an address within the site."""
    docs: Mapping[str, str] = field(default_factory=dict)
    """Each client's own documentation."""
    drawings: Sequence[Drawing] = ()
    captures: Mapping[tuple[str, str], bytes] = field(default_factory=dict)
    """By client and scenario: a capture file of one trial."""


def prose(text: str) -> Markup:
    """A sentence of the catalogue's, in which words between backticks are code."""
    parts = (
        Markup("<code>{}</code>").format(part) if n % 2 else escape(part) for n, part in enumerate(text.split("`"))
    )
    return Markup("").join(parts)


class Pages:
    """Makes the pages of one site."""

    def __init__(self, site: Site, extras: Extras) -> None:
        self._site, self._base_url, self._extras = site, extras.base_url, extras
        self._texts = error_texts(site)
        self._cells_drawing = {
            (d.client, d.scenario): d
            for d in sorted(extras.drawings, key=lambda d: PLATFORMS.index(d.platform), reverse=True)
        }
        self._environment = Environment(
            loader=PackageLoader("hangup.site"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._environment.globals |= {
            "site": site, "at": at, "base_url": extras.base_url, "tint": tint, "text_of": text_of, "gave": gave,
            "evidence": stored_evidence, "sentences": verdict_sentences, "letters": LETTERS, "told": TOLD,
            "unproved": UNPROVED, "diagram": svg, "prose": prose, "resets": self._resets,
        }  # fmt: skip

    def all(self) -> Iterator[tuple[str, str]]:
        """Every page: its address and its text."""
        yield self._page(at.START, "index.html", examples=EXAMPLES, findings=findings(self._site), capture=CAPTURE)
        yield self.matrix()
        yield self._page(at.ABOUT, "about.html")
        yield self._page(at.ERRORS, "errors.html", texts=self._texts)
        yield self._page(at.CLIENTS, "clients.html")
        yield self._page(at.SCENARIOS, "scenarios.html", chapters=self._chapters(), outcome_counts=self._counts)
        for text in self._texts:
            yield self._page(at.error(text.text), "error.html", text=text)
        for name, entries in self._site.of_scenario.items():
            yield self._scenario(name, entries)
            yield self._embedded(at.scenario_table(name), name, at.scenario(name), "client", entries)
        for client, entries in self._site.of_client.items():
            yield self._client(client, entries)
            yield self._embedded(at.client_table(client), client, at.client(client), "scenario", entries)
        for entry in self._site.entries.values():
            yield self._cell(entry)
            yield self._badge(entry)

    def matrix(self) -> tuple[str, str]:
        """The matrix's page."""
        met = {outcome for entry in self._site.entries.values() for outcome in entry.outcomes}
        languages = dict.fromkeys(client.partition("/")[0] for client in self._site.results)
        return self._page(
            at.MATRIX, "matrix.html", outcomes=[outcome for outcome in Outcome if outcome in met],
            languages=sorted(languages),
        )  # fmt: skip

    def _page(self, page: str, template: str, **its: object) -> tuple[str, str]:
        return page, self._environment.get_template(template).render(page=page, root=at.root(page), **its)

    def _chapters(self) -> dict[str, list[str]]:
        measured = self._site.of_scenario
        chapters = {
            heading: [name for name in measured if self._site.catalogue[name].group == group]
            for group, heading in HEADINGS.items()
        }
        return {heading: names for heading, names in chapters.items() if names}

    def _counts(self, scenario: str) -> list[tuple[Outcome, int]]:
        entries = self._site.of_scenario[scenario]
        return Counter(outcome for entry in entries for outcome in entry.outcomes).most_common()

    def _scenario(self, name: str, entries: Sequence[Entry]) -> tuple[str, str]:
        scenario = self._site.catalogue[name]
        return self._page(
            at.scenario(name), "scenario.html", scenario=scenario, entries=entries, script=words.sequence(scenario),
            again=words.further(scenario), claims=words.claims(scenario), drawings=self._drawn(name),
        )  # fmt: skip

    def _drawn(self, scenario: str) -> list[Drawing]:
        """One a layer, of the leading platform and the client that is drawn best."""
        found: dict[str, Drawing] = {}
        its = (d for d in self._extras.drawings if d.scenario == scenario)
        for drawing in sorted(its, key=lambda d: (PLATFORMS.index(d.platform), rank(d.client))):
            found.setdefault(drawing.layer, drawing)
        return [found[layer] for layer in sorted(found, reverse=True)]

    def _resets(self, scenario: str, platforms: Container[str]) -> list[str]:
        """Why a scenario's RST was sent, a sentence for the platforms that agree."""
        alike: dict[ScenarioReset, list[str]] = {}
        for platform, file in self._site.kernel.items():
            if platform in platforms and scenario in file.scenarios:
                alike.setdefault(file.scenarios[scenario], []).append(platform)
        return [
            f"{reset.system} says of the {reset.by}'s RST: {reset_reasons(reset)} ({', '.join(names)})"
            for reset, names in alike.items()
        ]

    def _client(self, client: str, entries: Sequence[Entry]) -> tuple[str, str]:
        return self._page(
            at.client(client), "client.html", client=client, entries=entries, results=self._site.results[client],
            catch=catching(client, entries), docs=self._extras.docs.get(client),
        )  # fmt: skip

    def _cell(self, entry: Entry) -> tuple[str, str]:
        name = (entry.client, entry.scenario.id)
        page = at.cell(*name)
        return self._page(
            page, "cell.html", entry=entry, citation=cite(*name, entry.short, self._base_url or "").image,
            drawing=self._cells_drawing.get(name),
            capture=at.capture(*name) if name in self._extras.captures else None,
        )  # fmt: skip

    def _badge(self, entry: Entry) -> tuple[str, str]:
        page = at.badge(entry.client, entry.scenario.id)
        outcome = entry.outcomes[0] if entry.outcomes else entry.short
        return page, badge(entry.client, entry.scenario.id, entry.short, outcome, misleading=entry.misleading)

    def _embedded(self, page: str, title: str, source: str, rows_are: str, entries: Sequence[Entry]) -> tuple[str, str]:
        style = Markup((ASSETS / "embed.css").read_text(encoding="utf-8"))  # noqa: S704  (a file of ours)
        return self._page(
            page, "embed.html", title=title, source=source, rows_are=rows_are, entries=entries, style=style
        )


def build(folder: Path, site: Site, extras: Extras) -> int:
    """Write the whole site below a folder; how many files. Raises StoreError where one cannot be written."""
    pages = Pages(site, extras)
    written = 0
    for page, text in pages.all():
        write_text(folder / page, text)
        written += 1
    for (client, scenario), data in extras.captures.items():
        _write_bytes(folder / at.capture(client, scenario), data)
        written += 1
    plain = ("site.css", "site.js", "settle.js", "icon.svg")
    assets = {name: (ASSETS / name).read_text(encoding="utf-8") for name in plain}
    assets |= {"index.js": search_index(extras.index), "lookup.js": search_script()}
    for name, text in assets.items():
        write_text(folder / "assets" / name, text)
    return written + len(assets)


def search_index(index: Index) -> str:
    """The index of ``hangup lookup`` as a script: a page that was opened from a folder may not fetch a file."""
    return f"window.hangupIndex = {dump(index)};\n"


def search_script() -> str:
    """``lookup.js`` as a plain script, for the same reason: a module would be fetched."""
    source = (Path(lookup.__file__).with_name("lookup.js")).read_text(encoding="utf-8")
    inner = re.sub(r"^export ", "", source, flags=re.MULTILINE)
    return f'"use strict";\nwindow.hangupLookup = (() => {{\n{inner}\nreturn lookup;\n}})();\n'


def _write_bytes(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from None
