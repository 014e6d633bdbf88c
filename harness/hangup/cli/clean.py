"""``hangup clean``: remove what a run in the docker lab left that was killed with SIGKILL, or with its machine."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from hangup.cli.engine import with_engine
from hangup.labs.docker.leftovers import sweep


@click.command("clean")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(as_json: bool) -> None:
    """Remove the containers, networks and folders of runs in the docker lab whose process is gone.

    What a run that still goes on owns is left alone, and so is whatever hangup did not make. The other labs leave
    nothing, and a new run in the docker lab does the same first.
    """
    swept = with_engine(sweep)
    if as_json:
        click.echo(json.dumps(asdict(swept), indent=1))
        return
    for kind in ("containers", "networks", "folders"):
        for name in getattr(swept, kind):
            click.echo(f"removed {kind.removesuffix('s')} {name}")
    for name in swept.in_use:
        click.echo(f"left network {name}: other containers are in it (`docker network inspect {name}`)")
    if not any(asdict(swept).values()):
        click.echo("nothing was left")
