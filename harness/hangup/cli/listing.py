"""``hangup list``: the clients, the scenarios, and the causes that ``diagnose`` knows."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.table import Table

from hangup import paths
from hangup.agents.manifest import load_manifests
from hangup.catalogue import load_catalogue
from hangup.diagnose.causes import causes


@click.command("list")
@click.argument("what", type=click.Choice(["clients", "scenarios", "causes"]))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(what: str, as_json: bool) -> None:
    """The clients, the scenarios, or the causes that ``diagnose`` tells apart."""
    rows = {"clients": _clients, "scenarios": _scenarios, "causes": _causes}[what]()
    if as_json:
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, heading in enumerate(rows[0]):
        table.add_column(heading, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    console = Console()
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def _clients() -> list[dict[str, str]]:
    return [
        {
            "client": name,
            "layer": entry.layer,
            "file": f"clients/{manifest.language}/{entry.file}",
            "docs": entry.docs,
        }
        for manifest in load_manifests(paths.clients()).values()
        for name, entry in manifest.clients.items()
    ]


def _scenarios() -> list[dict[str, str]]:
    return [
        {
            "scenario": scenario.id,
            "layers": " ".join(scenario.layers),
            "needs": " ".join(scenario.needs),
            "wire": " or ".join(scenario.wire.end),
            "title": scenario.title,
        }
        for scenario in load_catalogue().values()
    ]


def _causes() -> list[dict[str, str]]:
    return [{"cause": name, "title": cause.title, "means": cause.means} for name, cause in causes().items()]
