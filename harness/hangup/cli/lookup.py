"""``hangup lookup``: from an error text to what happened, and from a client and a scenario to the texts.

It must answer at once: it reads the index alone, and nothing is imported here that the answer does not need.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

import click

from hangup import paths
from hangup.errors import InputError
from hangup.lookup import Answer, Index, load, lookup
from hangup.lookup.advice import advise, cells_of, texts_of, told_of
from hangup.lookup.index import FILE, Heard

LARGEST = 2_000_000
"""Characters: what is longer is a log, in which the error has to be found first."""
SHOWN = 8
"""How many of a list are shown to people; `--json` has all."""
WIDTH = 110
"""Columns, at most and where there is no terminal: what is longer is hard to read."""

_SURE = {
    "exact": "This is what was heard, word for word, but for what changes from case to case.",
    "likely": "A telling line of it was heard; not all of it.",
    "possible": "Only parts of it are known: take it as a hint.",
}
_SYSTEM = "These are the operating system's own words, which many programs pass on: more of the text tells which."
_DOCUMENTED = (
    "This is known by its documentation alone, and was not measured: the scenarios are those that would explain it, "
    "as they were measured of others."
)
_NOTHING = "This is known by its documentation alone, and was not measured."
_MISLEADING = "! the word is misleading: it does not agree with what happened on the wire."
_ENDINGS = {
    "fin": "FIN", "rst": "RST", "fin, rst": "FIN, then RST", "none": "no ending of the peer's", "unknown": "no packet",
    "rst-stream": "RST_STREAM of HTTP/2", "goaway": "GOAWAY of HTTP/2",
}  # fmt: skip
_ACTED_ON = {"yes": "request acted on", "no": "request not acted on", "maybe": "request maybe acted on"}


@click.command("lookup")
@click.argument("words", metavar="TEXT", nargs=-1)
@click.option("--client", metavar="NAME", help="The other direction: what this client reports …")
@click.option("--scenario", metavar="NAME", help="… in this scenario.")
@click.option("--results", "results_dir", type=click.Path(path_type=Path, file_okay=False), default=None, metavar="DIR",
              help="Results folder to read (default: the published results).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Everything that is known, for programs.")
def command(
    words: tuple[str, ...], client: str | None, scenario: str | None, results_dir: Path | None, as_json: bool
) -> None:
    """What an error text means: who says it, what happened on the wire, whether a retry is safe, what to do.

    TEXT is an error, a log line or a whole stack trace, in quotes; a file that holds one, or - for standard input. Exit
    status 1: nothing in it is known.
    """
    if not words and client and scenario:
        _other_direction(_index(results_dir), client, scenario, as_json)
        return
    if not words or client or scenario:
        raise click.UsageError("give a TEXT (or a file, or -), or both --client and --scenario")
    if len(words) > 1:
        raise click.UsageError(
            "give one TEXT, in quotes if it has spaces; several files as one: `cat FILES | hangup lookup -`"
        )
    index = _index(results_dir)
    answers = lookup(index, _read(words[0]))
    if as_json:
        first, *also = [_plain(index, answer) for answer in answers]
        click.echo(json.dumps({**first, "also": also}, indent=1, ensure_ascii=False))
    else:
        for number, answer in enumerate(answers):
            if number:
                click.echo(f"\n{'─' * _width()}\nAnother error of the same text:\n")
            _print(index, answer)
    if answers[0].confidence == "none":
        sys.exit(1)


def _index(results_dir: Path | None) -> Index:
    """The index of a results folder; made on the spot where the folder has none."""
    folder = results_dir or paths.published_results()
    if (folder / FILE).exists() or not (folder / "data").is_dir():
        return load(folder / FILE)
    from hangup.catalogue import load_catalogue  # these take longer than the whole answer
    from hangup.lookup.build import build
    from hangup.store import load_results

    return build(load_results(folder).values(), load_catalogue())


def _read(text: str) -> str:
    if text == "-":
        text = _standard_input()
    elif text.strip() and _is_file(text):
        try:
            text = Path(text).read_bytes().decode("utf-8", "replace")
        except OSError as error:
            raise InputError(f"{text}: cannot be read: {error.strerror}") from None
    if not text.strip():
        raise InputError("there is nothing in the text to look up")
    if len(text) > LARGEST:
        raise InputError(
            f"the text has {len(text)} characters, and {LARGEST} are looked up at most; give the part with the error"
        )
    return text


def _standard_input() -> str:
    if sys.stdin is None:
        raise InputError("standard input is closed; give it a text, a file, or the TEXT as an argument")
    try:
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"standard input cannot be read: {error.strerror}") from None


def _is_file(text: str) -> bool:
    """Whether the argument names a file. A name of a file that is not there is an error, and no error text."""
    try:
        if Path(text).is_file():
            return True
        if Path(text).is_dir():
            raise InputError(f"{text}: a folder; give a file, a text or - for standard input")
    except (OSError, ValueError):  # too long for a name, or no name at all
        return False
    if len(text.split()) == 1 and (text.endswith((".log", ".txt")) or text.startswith(("/", "./", "../"))):
        raise InputError(f"{text}: no such file")
    return False


# --- for programs ---


def _plain(index: Index, answer: Answer) -> dict[str, object]:
    table = answer.plain()
    del table["ways"]  # numbers in the index
    table["scenarios"] = [
        {
            "scenario": ranked.scenario,
            "score": ranked.score,
            "cells": [_cell(index, index.cells[number]) for number in ranked.cells],
        }
        for ranked in answer.scenarios
    ]
    return table | advise(index, answer)._asdict()


def _cell(index: Index, cell: Heard) -> dict[str, object]:
    return {
        **cell._asdict(),
        "speaker": index.speakers[cell.speaker].name,
        "scenario": None if cell.scenario is None else index.scenarios[cell.scenario].id,
        "measured": index.speakers[cell.speaker].source is None,
    }


# --- for people ---


def _print(index: Index, answer: Answer) -> None:
    if answer.confidence == "none":
        _paragraph("Nothing in this text is known here: no client said it, and no documented error is in it.")
        _paragraph("Give the whole stack trace, if there is more of it; the innermost cause tells most.")
        return
    measured = any(ranked.measured for ranked in answer.clients if ranked.score == answer.clients[0].score)
    sure = _SYSTEM if answer.system else _SURE[answer.confidence]
    _paragraph(sure if measured else _DOCUMENTED if answer.endings else _NOTHING)
    _heading("Who says this")
    for ranked in answer.clients[:SHOWN]:
        how = "measured" if ranked.measured else f"documented, not measured: {ranked.source}"
        click.echo(f"  {ranked.score:4.2f}  {ranked.client:26} {how}")
        if ranked.means and ranked.score == answer.clients[0].score:
            _paragraph(ranked.means, " " * 8)
    _more(len(answer.clients))
    click.echo("  decided by: " + " | ".join(textwrap.shorten(why, 90) for why in answer.clients[0].why))
    if answer.endings:
        _heading("What happened on the wire")
        for ending in answer.endings[:SHOWN]:
            click.echo(f"  {ending.score:4.2f}  {_ENDINGS.get(ending.ending, ending.ending)} {ending.moment}")
        _more(len(answer.endings))
    if answer.scenarios:
        _scenarios(index, answer)
    _advice(index, answer)


def _scenarios(index: Index, answer: Answer) -> None:
    _heading("Scenarios")
    shown = [(scenario, [index.cells[number] for number in scenario.cells]) for scenario in answer.scenarios[:SHOWN]]
    for scenario, cells in shown:
        click.echo(f"  {scenario.score:4.2f}  {scenario.scenario:30} {_told(cells)}")
    _more(len(answer.scenarios))
    _legend((cell for _scenario, cells in shown for cell in cells), " " * 8)


def _advice(index: Index, answer: Answer) -> None:
    advice = advise(index, answer)
    if advice.what or advice.lessons:
        _heading("What to do")
        _sentences(filter(None, (advice.what, *advice.lessons)))
    if advice.apart:
        _heading("What would tell these apart")
        _sentences(advice.apart)


def _told(cells: Sequence[Heard]) -> str:
    outcomes = "/".join(dict.fromkeys(cell.outcome + " !" * (cell.faithful is False) for cell in cells))
    acted_on = {cell.acted_on for cell in cells if cell.acted_on}
    words = _ACTED_ON[acted_on.pop()] if len(acted_on) == 1 else _ACTED_ON["maybe"] if acted_on else ""
    return f"{outcomes:22} {words}".rstrip()


def _legend(cells: Iterable[Heard], lead: str = "") -> None:
    """What the mark means, where one was shown."""
    if any(cell.faithful is False for cell in cells):
        _paragraph(_MISLEADING, lead)


def _heading(title: str) -> None:
    click.echo("\n" + click.style(title, bold=True))


def _more(count: int) -> None:
    if count > SHOWN:
        click.echo(f"        and {count - SHOWN} more: --json has all")


def _sentences(texts: Iterable[str]) -> None:
    for text in texts:
        _paragraph(text, "  • ")


def _paragraph(text: str, lead: str = "") -> None:
    rest = " " * len(lead)
    click.echo(textwrap.fill(text, _width(), initial_indent=lead, subsequent_indent=rest, break_on_hyphens=False))


def _width() -> int:
    return max(40, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


# --- the other direction ---


def _other_direction(index: Index, client: str, scenario: str, as_json: bool) -> None:
    cells = cells_of(index, client, scenario)
    if not cells:
        _no_cell(index, client, scenario)
    place = next(place for place in index.scenarios if place.id == scenario)
    if as_json:
        table = {
            "client": client, "scenario": scenario,
            "title": place.title, "moment": place.moment, "teaches": place.teaches,
            "cells": [
                {**_cell(index, cell), "texts": texts_of(index, cell)} for cell in cells
            ],
        }  # fmt: skip
        click.echo(json.dumps(table, indent=1, ensure_ascii=False))
        return
    _paragraph(f"{client} in {scenario}: {place.title}.")
    for cell in cells:
        _heading(f"{_told([cell])}: {_ENDINGS.get(cell.ending, cell.ending)} {place.moment}")
        texts = texts_of(index, cell)
        for text in texts:
            click.echo(textwrap.indent(text, "  "))
        if not texts:
            click.echo("  No error is reported.")
    _legend(cells)
    _heading("What to do")
    _sentences(filter(None, (told_of(cells), place.teaches)))
    click.echo(f"\nThe whole error, its evidence and packets: hangup show {client} {scenario}")


def _no_cell(index: Index, client: str, scenario: str) -> NoReturn:
    from hangup.names import unknown  # only a mistake needs the nearest names

    clients = [speaker.name for speaker in index.speakers if speaker.source is None]
    if client not in clients:
        raise unknown("client", client, clients)
    if scenario not in (names := [place.id for place in index.scenarios]):
        raise unknown("scenario", scenario, names)
    raise InputError(f"{client} was not measured in {scenario}; `hangup show {client}` tells in which it was")
