"""``hangup cite``: the permanent address of a cell, with what to paste into an issue, a README or a paper."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hangup import __version__
from hangup.cli.options import read_results, results_option
from hangup.cli.show import cell_of, results_of, stack_of
from hangup.errors import InputError
from hangup.site.citation import Citation, cite


@click.command("cite")
@click.argument("client")
@click.argument("scenario")
@click.option("--base-url", metavar="URL", envvar="HANGUP_SITE", default=None,
              help="Where the site is; else addresses are the way from its folder.", show_envvar=True)  # fmt: skip
@results_option
@click.option("--platform", metavar="NAME", default=None, help="One of docker, netns, loopback, where several have it.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(
    client: str, scenario: str, base_url: str | None, results_dir: Path | None, platform: str | None, as_json: bool
) -> None:
    """Cite what CLIENT reports in SCENARIO: its permanent address, a Markdown snippet and a badge."""
    if base_url is not None and not base_url.startswith(("https://", "http://")):
        raise InputError(f"--base-url {base_url}: must begin with https:// or http://")
    results = results_of(read_results(results_dir), client, platform)
    cell = cell_of(results, scenario)
    citation = cite(client, scenario, cell.short, base_url.rstrip("/") + "/" if base_url else "")
    source = (
        f"hangup {__version__}, {client} in {scenario}, {results.trials} trials on {stack_of(results)} "
        f"({results.platform}): {cell.short}"
    )
    if as_json:
        click.echo(json.dumps({**citation._asdict(), "source": source}, indent=1, ensure_ascii=False))
    else:
        _print(citation, source, whole=base_url is not None)


def _print(citation: Citation, source: str, *, whole: bool) -> None:
    click.echo(f"Address   {citation.address}")
    click.echo(f"Markdown  {citation.link}")
    click.echo(f"Badge     {citation.image}")
    click.echo(f"In words  {source}")
    if not whole:
        click.echo("\nThese addresses are below the site's folder; --base-url URL puts the site's own before them.")
