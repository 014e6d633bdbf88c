"""``hangup table``: the matrix from a results folder."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from hangup import paths
from hangup.catalogue import Scenario, load_catalogue
from hangup.cli.console import PlainConsole
from hangup.cli.options import read_results, results_option
from hangup.errors import InputError
from hangup.interrupts import interruptible
from hangup.lookup.build import build
from hangup.lookup.index import FILE, dump
from hangup.matrix import JudgedCell, judged
from hangup.names import select
from hangup.plain_text import plain
from hangup.publication import Publication
from hangup.store import ClientResults, load_kernel
from hangup.store.files import write_text
from hangup.tables import csv_table, json_table, matrix_page, plain_tables, readme_page, scenarios_page
from hangup.tables.formats import LAYERS

FORMATS = ("terminal", "markdown", "html", "csv", "json")


@click.command("table")
@click.option("--format", "style", type=click.Choice(FORMATS), default="terminal", show_default=True)
@click.option("--json", "style", flag_value="json", help="The same as --format json.")
@click.option("--client", "clients", multiple=True, metavar="GLOB", help="Only these clients; may be repeated.")
@click.option("--scenario", "scenarios", multiple=True, metavar="GLOB", help="Only these scenarios; may be repeated.")
@click.option("--write", is_flag=True, help="Write the tables, pages and lookup.json into the results folder.")
@results_option
def command(
    style: str, clients: tuple[str, ...], scenarios: tuple[str, ...], write: bool, results_dir: Path | None
) -> None:
    """The matrix: what every client reports in every scenario."""
    catalogue = load_catalogue()
    results = read_results(results_dir)
    if write:
        if clients or scenarios:
            raise InputError("--write makes the tables of the whole folder; it takes no --client and no --scenario")
        folder = results_dir or paths.published_results()
        with interruptible("no table was written") as interrupts, Publication(folder) as publication:
            written = write_tables(publication.folder, results, catalogue)
            with interrupts.held():
                publication.commit()
                interrupts.words = "the tables were written"
        for path in written:
            click.echo(folder / path.name)
        return
    chosen = select("client", clients, list(dict.fromkeys(r.client for r in results)))
    results = [r for r in results if r.client in chosen]
    catalogue = {name: catalogue[name] for name in select("scenario", scenarios, list(catalogue))}
    if style == "terminal":
        print_matrix(PlainConsole(), results, catalogue)
    elif style == "csv":
        click.echo(plain(csv_table(results, catalogue)), nl=False)
    elif style == "json":
        click.echo(plain(json_table(results, catalogue)), nl=False)
    else:
        for layer, table in plain_tables(results, catalogue, "html" if style == "html" else "github"):
            click.echo(plain(f"## {layer}\n\n{table}\n" if style == "markdown" else table))


def write_tables(folder: Path, results: list[ClientResults], catalogue: dict[str, Scenario]) -> list[Path]:
    """Make the tables of a results folder anew; their paths."""
    unproved = "" if all(r.proved for r in results) else UNPROVED + "\n"
    pages = {
        "MATRIX.md": matrix_page(results, catalogue, unproved),
        "matrix.csv": csv_table(results, catalogue),
        "README.md": readme_page(results, catalogue),
        FILE: dump(build(results, catalogue)),
        "SCENARIOS.md": scenarios_page(results, catalogue, load_kernel(folder), unproved),
    }
    for name, text in pages.items():
        write_text(folder / name, text)
    return [folder / name for name in pages]


UNPROVED = "UNPROVED: this lab could not capture packets, so nothing proves that these endings happened."

_STYLES = {
    "success": "green", "reset": "red", "broken-pipe": "magenta", "eof": "cyan", "truncated": "blue",
    "refused": "yellow", "timeout": "yellow", "hang": "bright_black", "silent-truncation": "bold white on red",
}  # fmt: skip


def print_matrix(console: Console, results: list[ClientResults], catalogue: dict[str, Scenario]) -> None:
    """The matrix for a terminal: a table a layer and platform, as many clients across as there is room for."""
    if not console.is_terminal:
        console.width = 260  # nobody's screen: whole words
    for platform in dict.fromkeys(r.platform for r in results):
        for layer in LAYERS:
            members = [r for r in results if r.platform == platform and r.layer == layer]
            across = max(1, (console.width - 32) // 16) if console.is_terminal else max(1, len(members))
            for start in range(0, len(members), across):
                console.print(_rich_table(f"{layer} clients, {platform}", members[start : start + across], catalogue))
    if not all(r.proved for r in results):
        console.print(UNPROVED, style="bold")


def _rich_table(title: str, members: list[ClientResults], catalogue: dict[str, Scenario]) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold", expand=False)
    table.add_column("scenario", no_wrap=True)
    columns: list[dict[str, JudgedCell]] = []
    for results in members:
        language, _, name = results.client.partition("/")
        table.add_column(f"{language}\n{name}")
        columns.append({cell.scenario.id: cell for cell in judged(results, catalogue)})
    for scenario in catalogue:
        row = [column.get(scenario) for column in columns]
        if any(row):
            table.add_row(scenario, *(_coloured(cell) if cell else "–" for cell in row))
    return table


def _coloured(cell: JudgedCell) -> str:
    word = cell.verdict.outcome.value if cell.verdict else ""
    style = _STYLES.get(word, "")
    return f"[{style}]{cell.short}[/{style}]" if style else cell.short
