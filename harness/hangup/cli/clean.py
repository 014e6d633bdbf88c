"""``hangup clean``: remove the folders of old runs, and what a run that was killed has left behind."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from hangup import paths
from hangup.cli.engine import with_engine
from hangup.cli.options import keep_runs_option
from hangup.conduct.rundir import Removed, remove_old_runs
from hangup.errors import LabError
from hangup.labs import certificates
from hangup.labs.docker.leftovers import Swept, sweep


@click.command("clean")
@keep_runs_option(0)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(keep_runs: int | None, as_json: bool) -> None:
    """Remove old runs from runs/, and what runs have left that were killed.

    Those of the docker lab leave containers, networks and folders; without an engine that answers, these stay. What a
    run that still goes on owns is left alone, and so is whatever hangup did not make.
    """
    runs = remove_old_runs(paths.runs(), keep_runs) if keep_runs is not None else Removed([], 0)
    swept, unreached = Swept([], [], [], []), None
    try:
        swept = with_engine(sweep)
    except LabError as error:
        unreached = str(error)
    swept.folders.extend(map(str, certificates.sweep()))
    if as_json:
        removed = {"runs": [str(folder) for folder in runs.folders], **asdict(swept)}
        click.echo(json.dumps({**removed, "docker": unreached}, indent=1))
        return
    if keep_runs is not None:
        click.echo(kept_line(runs, keep_runs))
    for kind in ("containers", "networks", "folders"):
        for name in getattr(swept, kind):
            click.echo(f"removed {kind.removesuffix('s')} {name}")
    for name in swept.in_use:
        click.echo(f"left network {name}: other containers are in it (`docker network inspect {name}`)")
    if unreached is not None:
        click.echo(f"the docker lab was not looked at: {unreached}")
    elif not any(asdict(swept).values()):
        click.echo("no run has left anything else")


def kept_line(removed: Removed, keep: int) -> str:
    """What was removed of ``runs/``, and how many stay."""
    count, size = len(removed.folders), f"{removed.bytes / 1e6:.0f} MB"
    what = f"removed {count} older run{'s' * (count != 1)} ({size})" if count else "no older run was removed"
    return f"{paths.runs()}: {what}; the last {keep} are kept (--keep-runs)"
