"""``hangup diff``: what two sets of results differ in, for people and for the text of a pull request."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from hangup import paths
from hangup.catalogue import load_catalogue
from hangup.cli.console import make_console
from hangup.cli.options import read_results
from hangup.diff import LEVELS, CellDiff, Change, Diff, compare
from hangup.errors import InputError
from hangup.names import select
from hangup.plain_text import plain
from hangup.store import ClientResults

FORMATS = ("terminal", "markdown", "json")
_PIPED = 200


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--format", "style", type=click.Choice(FORMATS), default="terminal", show_default=True)
@click.option("--json", "style", flag_value="json", help="The same as --format json.")
@click.option("--client", "clients", multiple=True, metavar="GLOB", help="Only these clients; may be repeated.")
@click.option("--scenario", "scenarios", multiple=True, metavar="GLOB", help="Only these scenarios; may be repeated.")
def command(old: str, new: str, style: str, clients: tuple[str, ...], scenarios: tuple[str, ...]) -> None:
    """What the results NEW differ in from OLD, most serious first.

    Each is a results folder, a platform in one (FOLDER:PLATFORM), or a platform of the published results (netns).

    Exit status: 0 no difference, 1 differences, 2 bad input. Versions are told, and are no difference by themselves.
    """
    sides = _matched(_read(old), _read(new))
    before, after = _narrowed(sides, clients, scenarios)
    diff = compare(before, after, load_catalogue())
    if style == "json":
        click.echo(plain(json.dumps(_as_json(old, new, diff), indent=1, ensure_ascii=False)))
    elif style == "markdown":
        click.echo(plain(_markdown(old, new, diff)), nl=False)
    else:
        _print(make_console(_PIPED), old, new, diff)
    sys.exit(1 if diff else 0)


@dataclass(frozen=True)
class Side:
    """What one argument names."""

    name: str
    results: list[ClientResults]
    chosen: bool
    """Whether it names a platform, and so holds only that."""

    @property
    def platforms(self) -> list[str]:
        """Those that it has results of."""
        return list(dict.fromkeys(results.platform for results in self.results))

    def on(self, platform: str) -> Side:
        """Only this platform. Raises InputError where it has none of it."""
        if platform not in self.platforms:
            raise InputError(f"{self.name}: no results of {platform} there; it has {' and '.join(self.platforms)}")
        return Side(self.name, [results for results in self.results if results.platform == platform], True)


def _read(name: str) -> Side:
    """Raises InputError for what is no folder and no platform, StoreError for a folder without results."""
    if Path(name).is_dir():
        return Side(name, read_results(Path(name)), False)
    folder, colon, platform = name.rpartition(":")
    if colon and Path(folder).is_dir():
        return Side(name, read_results(Path(folder)), False).on(platform)
    published = Side(name, read_results(None), False) if paths.published_results().is_dir() else Side(name, [], False)
    if name in published.platforms:
        return published.on(name)
    known = f" ({', '.join(published.platforms)})" if published.results else ""
    raise InputError(f"{name}: neither a results folder, nor FOLDER:PLATFORM, nor a published platform{known}")


def _matched(old: Side, new: Side) -> tuple[Side, Side]:
    """Where only one side names a platform, the other is taken on the same, unless it has only one anyway."""
    if old.chosen and not new.chosen and len(new.platforms) > 1:
        return old, new.on(old.platforms[0])
    if new.chosen and not old.chosen and len(old.platforms) > 1:
        return old.on(new.platforms[0]), new
    return old, new


def _narrowed(
    sides: tuple[Side, Side], clients: tuple[str, ...], scenarios: tuple[str, ...]
) -> tuple[list[ClientResults], list[ClientResults]]:
    """Only the chosen clients and scenarios. Raises InputError for a glob that neither side has anything for."""
    everything = [results for side in sides for results in side.results]
    chosen = select("client", clients, sorted({results.client for results in everything}))
    names = set(select("scenario", scenarios, sorted({name for results in everything for name in results.cells})))
    old, new = (
        [
            results.model_copy(update={"cells": {name: cell for name, cell in results.cells.items() if name in names}})
            for results in side.results
            if results.client in chosen
        ]
        for side in sides
    )
    return old, new


class Section(NamedTuple):
    """A table under a heading. ``literal``: the columns that hold texts of programs."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    literal: tuple[str, ...] = ("old", "new")


def _sections(diff: Diff) -> Iterator[Section]:
    several = len({cell.platform for cell in diff.cells}) > 1
    for level in LEVELS:
        cells = [cell for cell in diff.cells if cell.level is level]
        if cells:
            rows = list(_rows(cells, several=several))
            yield Section(f"{level.title} ({len(cells)})", ("client", "scenario", "what", "old", "new"), rows)
    for side in ("old", "new"):
        only = [
            (part.client, part.platform, "the whole client" if part.whole else ", ".join(part.scenarios))
            for part in diff.one_sided
            if part.side == side
        ]
        if only:
            yield Section(f"Only the {side} side has", ("client", "platform", "scenarios"), only)
    if diff.stacks:
        stacks = [(s.what, s.old or "", s.new or "", ", ".join(s.clients)) for s in diff.stacks]
        yield Section("What changed in the stacks", ("what", "old", "new", "clients"), stacks)


def _rows(cells: Sequence[CellDiff], *, several: bool) -> Iterator[tuple[str, ...]]:
    """A line an aspect; scenarios in which a client changed alike share their lines."""
    alike: dict[tuple[str, tuple[tuple[str, str, str], ...]], list[str]] = {}
    for cell in cells:
        client = f"{cell.client} ({cell.platform})" if several else cell.client
        lines = tuple((change.aspect, *apart(change)) for change in _shown(cell))
        alike.setdefault((client, lines), []).append(cell.scenario)
    for (client, lines), scenarios in alike.items():
        for number, line in enumerate(lines):
            yield (*((client, ", ".join(scenarios)) if number == 0 else ("", "")), *line)


def _shown(cell: CellDiff) -> Sequence[Change]:
    """What is printed repeats types and messages, so people need it only where it differs alone."""
    return [change for change in cell.changes if change.aspect != "printed"] or cell.changes


_LEAD, _TEXT = 40, 120


def apart(change: Change) -> tuple[str, str]:
    """Where the two sides part: of long texts the first line that differs, less a long common beginning, and cut."""
    texts = [" / ".join(side) for side in (change.old, change.new)]
    lines = zip_longest(*(text.splitlines() for text in texts), fillvalue="")
    old, new = next((pair for pair in lines if pair[0] != pair[1]), texts)
    common = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = common - _LEAD if common > 2 * _LEAD else 0
    return _cut(old, start), _cut(new, start)


def _cut(text: str, start: int) -> str:
    end = start + _TEXT
    return ("…" if start else "") + text[start:end].strip() + ("…" if len(text) > end else "")


def _summary(old: str, new: str, diff: Diff) -> str:
    count = len(diff.cells)
    words = "no cell differs" if not count else "1 cell differs" if count == 1 else f"{count} cells differ"
    return f"{old} → {new}: {words}" + ("; some are on one side only" if diff.one_sided else "")


def _notes(diff: Diff) -> Iterator[str]:
    for side in diff.unproved:
        yield f"The {side} side is unproved (nothing was captured): only what the application is told is compared."
    if diff.unjudged:
        yield f"Not compared, for the catalogue no longer has them: {', '.join(diff.unjudged)}."


def _markdown(old: str, new: str, diff: Diff) -> str:
    parts = [f"**{_summary(old, new, diff)}**", *_notes(diff)]
    for title, headings, rows, literal in _sections(diff):
        dressed = [
            [_code(text) if h in literal else text for h, text in zip(headings, row, strict=True)] for row in rows
        ]
        parts += [f"### {title}", tabulate(dressed, headers=headings, tablefmt="github", disable_numparse=True)]
    return "\n\n".join(parts) + "\n"


def _code(text: str) -> str:
    """A code span, so that nothing in it is markup; a table's bar is escaped even there (GFM, section 4.10)."""
    if not text:
        return "–"
    fence = "``" if "`" in text else "`"
    pad = " " if "`" in text else ""
    return fence + pad + text.replace("|", "\\|") + pad + fence


def _print(console: Console, old: str, new: str, diff: Diff) -> None:
    console.print(Text(_summary(old, new, diff), style="bold"))
    for note in _notes(diff):
        console.print(Text(note))
    for title, headings, rows, _ in _sections(diff):
        table = Table(
            title=title, title_justify="left", title_style="bold", box=None, header_style="dim", pad_edge=False
        )
        for heading in headings:
            table.add_column(heading, no_wrap=heading == "client", overflow="fold")
        for row in rows:
            table.add_row(*(Text(plain(text)) for text in row))
        console.print()
        console.print(table)


def _as_json(old: str, new: str, diff: Diff) -> dict[str, object]:
    cells = [{**asdict(cell), "level": cell.level.name} for cell in diff.cells]
    return {"old": old, "new": new, **asdict(diff), "cells": cells}
