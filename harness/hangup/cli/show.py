"""``hangup show``: what a client reports, cell by cell, or one cell with its evidence and the packets of one trial.

Of a scenario alone: what it is, and what every client makes of it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from hangup import paths
from hangup.catalogue import load_catalogue
from hangup.cli.console import make_console, section
from hangup.cli.options import read_results, results_option
from hangup.cli.report import (
    KERNEL,
    LESSON,
    evidence_lines,
    kernel_lines,
    ladder_lines,
    operations,
    printed,
    sentences,
    stored_evidence_lines,
    verdict_table,
)
from hangup.cli.scenario import print_scenario, scenario_as_json
from hangup.cli.table import UNPROVED
from hangup.conduct.rundir import raw_trials, trial_packets
from hangup.errors import InputError, StoreError
from hangup.judge import judge
from hangup.ladder import explain, ladder
from hangup.ladder.words import faithful, root
from hangup.matrix import PLATFORMS, JudgedCell, judged
from hangup.names import unknown
from hangup.plain_text import plain
from hangup.store import load_kernel
from hangup.store.record import observe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from hangup.conduct.trial import Trial
    from hangup.store import ClientResults, KernelResets
    from hangup.store.model import Link

_PIPED_LIST = 160


@click.command("show")
@click.argument("name", metavar="CLIENT|SCENARIO")
@click.argument("scenario", required=False)
@results_option
@click.option("--platform", metavar="NAME", default=None, help="One of docker, netns, loopback, where several have it.")
@click.option("--run", "run", type=click.Path(path_type=Path, file_okay=False), default=None, metavar="DIR",
              help="The run whose packets are shown (default: the newest one that has the cell).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The cells with their verdicts, for programs.")
def command(
    name: str, scenario: str | None, results_dir: Path | None, platform: str | None, run: Path | None, as_json: bool
) -> None:
    """What CLIENT reports: all its cells, or that of SCENARIO with its evidence and packets.

    With SCENARIO alone: what happens in it, what every client reports, and what to do about it.
    """
    everything = read_results(results_dir)
    if scenario is None and "/" not in name:
        _scenario(name, everything, load_kernel(results_dir or paths.published_results()), platform, as_json=as_json)
        return
    results = results_of(everything, name, platform)
    cells = [cell_of(results, scenario)] if scenario else list(judged(results, load_catalogue()))
    if as_json:
        click.echo(plain(json.dumps(_as_json(results, cells), indent=1, ensure_ascii=False)))
    elif scenario is None:
        _list(make_console(_PIPED_LIST), results, cells)
    else:
        console = make_console()
        _cell(console, results, cells[0])
        _packets(console, results, cells[0], run)


def _scenario(
    name: str, everything: list[ClientResults], kernel: dict[str, KernelResets], platform: str | None, *, as_json: bool
) -> None:
    """Raises InputError where there is no such scenario, or nothing of that platform."""
    catalogue = load_catalogue()
    if name not in catalogue:
        raise unknown("scenario", name, catalogue)
    platforms = dict.fromkeys(results.platform for results in everything)
    if platform is not None and platform not in platforms:
        raise InputError(f"--platform {platform}: there are results of {' and '.join(platforms)} only")
    chosen = [results for results in everything if platform in (None, results.platform)]
    resets = {where: file for where, file in kernel.items() if platform in (None, where)}
    if as_json:
        text = json.dumps(scenario_as_json(catalogue[name], chosen, resets), indent=1, ensure_ascii=False)
        click.echo(plain(text))
    else:
        print_scenario(make_console(), catalogue[name], chosen, resets)


def results_of(everything: list[ClientResults], client: str, platform: str | None) -> ClientResults:
    """The client's results. Raises InputError where there are none."""
    by_platform = {results.platform: results for results in everything if results.client == client}
    if not by_platform:
        raise unknown("client", client, {results.client for results in everything})
    if platform is None:
        return min(by_platform.values(), key=lambda results: PLATFORMS.index(results.platform))
    for results in by_platform.values():
        if results.platform == platform:
            return results
    raise InputError(f"--platform {platform}: {client} was measured on {' and '.join(by_platform)} only")


def cell_of(results: ClientResults, scenario: str) -> JudgedCell:
    """Raises InputError where the client has no such cell."""
    catalogue = load_catalogue()
    cells = {cell.scenario.id: cell for cell in judged(results, catalogue)}
    if scenario in cells:
        return cells[scenario]
    if scenario not in catalogue:
        raise unknown("scenario", scenario, cells)
    layers = catalogue[scenario].layers
    if results.layer not in layers:
        raise InputError(
            f"{results.client} has no cell {scenario}, which is for {' and '.join(layers)} clients only; "
            f"`hangup show {results.client}` shows what it has"
        )
    raise InputError(
        f"{results.client} was not measured in {scenario}; "
        f"`hangup run --client {results.client} --scenario {scenario} --out DIR` does that"
    )


def _list(console: Console, results: ClientResults, cells: Iterable[JudgedCell]) -> None:
    """All cells of a client, a line each; of one that varies the most frequent observation."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("scenario", "outcome", "", "", "acted on", "lost", "caught (and its cause)"):
        table.add_column(heading, no_wrap=heading == "scenario", overflow="fold")
    for cell in cells:
        table.add_row(cell.scenario.id, *map(Text, _columns(cell)))
    console.print(Text(f"{results.client} on {results.platform}: {stack_of(results)}", style="bold"))
    console.print(table)
    if not results.proved:
        console.print(Text(UNPROVED, style="bold"))


def _columns(cell: JudgedCell) -> list[str]:
    verdict = cell.verdict
    if verdict is None:
        return [cell.short, "", "", "", "", cell.cell.invalid or cell.cell.fault or ""]
    return [
        verdict.outcome + (" (varies)" if cell.varies else ""),
        faithful(verdict).word,
        f"retried ×{verdict.tries}" if verdict.retried else "",
        verdict.acted_on or "",
        str(verdict.lost or ""),
        _caught(cell.cell.observations[0].operations[verdict.decisive].error),
    ]


def _caught(chain: Sequence[Link]) -> str:
    if not chain:
        return ""
    caught, cause = chain[0], root(chain)
    return caught.type + (f" ({cause.code or cause.type})" if cause.code or cause is not caught else "")


def _cell(console: Console, results: ClientResults, cell: JudgedCell) -> None:
    scenario = cell.scenario
    console.print(Text(f"{results.client} meets {scenario.id} ({results.platform})", style="bold"))
    console.print(Text(f"{scenario.title}.\n{scenario.why}\n{'; '.join(scenario.spec)}"))
    if not results.proved:
        console.print(Text(UNPROVED, style="bold"))
    problem = cell.cell.invalid or cell.cell.fault
    if problem is not None:
        console.print(section(f"No result: {cell.short}", Text(problem)))
    for observation, verdict in zip(cell.cell.observations, cell.verdicts, strict=True):
        share = f" ({observation.share})" if cell.varies else ""
        console.print(section(f"Verdict{share}", verdict_table(verdict)))
        console.print(section(f"What its API gave{share}", *operations(observation)))
        if text := printed(observation, verdict):
            console.print(section(f"Printed where nobody catches it{share}", text))
        console.print(section(f"Evidence{share}", *stored_evidence_lines(cell.scenario, observation)))
    console.print(section(LESSON, Text(scenario.teaches)))
    console.print(section("Measured", Text(f"{results.trials} trials a cell, on {stack_of(results)}")))


def stack_of(results: ClientResults) -> str:
    stack = results.stack
    versions = [f"{name} {version}" for name, version in stack.versions.items()]
    return ", ".join([stack.runtime, *versions, stack.system])


def _packets(console: Console, results: ClientResults, cell: JudgedCell, run: Path | None) -> None:
    """The ladder of one valid trial, and what happened in it."""
    client, scenario = results.client, cell.scenario
    found = _find(client, scenario.id, run)
    if found is None:
        hint = f"hangup run --client {client} --scenario {scenario.id} --trials 1"
        console.print(section("Packets", Text(f"No run is kept here that has this cell. This makes one:\n  {hint}")))
        return
    folder, trial = found
    drawn = ladder(trial, trial_packets(folder, trial))
    observation = observe(trial, str)
    outcome = judge(client, results.layer, scenario, observation).outcome
    read = {connection.remote: connection.read for connection in trial.log}
    console.print(section(f"Packets of one trial ({folder.name})", *evidence_lines(trial.evidence)))
    if reasons := kernel_lines(trial.kernel, trial.evidence):
        console.print(section(KERNEL, *reasons))
    console.print()
    for row in ladder_lines(client, drawn, console.width):
        console.print(row)
    said = explain(drawn.packets, drawn.icmp, read, outcome, start_ns=drawn.start_ns)
    console.print(section("What happened", sentences(said)))


def _find(client: str, scenario: str, run: Path | None) -> tuple[Path, Trial] | None:
    """A valid trial of the cell, from ``run`` or else the newest run that has one.

    Raises StoreError where ``run`` has none. Other runs may be damaged, or of another version: they are passed over.
    """
    if run is not None:
        trial = _valid_trial(run, client, scenario)
        if trial is None:
            raise StoreError(f"--run {run}: it has no valid trial of {client} in {scenario}")
        return run, trial
    root_folder = paths.runs()
    for folder in sorted(root_folder.iterdir(), reverse=True) if root_folder.is_dir() else ():
        try:
            trial = _valid_trial(folder, client, scenario)
        except StoreError:
            continue
        if trial is not None:
            return folder, trial
    return None


def _valid_trial(run: Path, client: str, scenario: str) -> Trial | None:
    return next(
        (
            trial
            for trial in raw_trials(run)
            if (trial.client, trial.scenario, trial.invalid, trial.proved) == (client, scenario, None, True)
        ),
        None,
    )


def _as_json(results: ClientResults, cells: Iterable[JudgedCell]) -> dict[str, object]:
    return {
        "client": results.client,
        "layer": results.layer,
        "platform": results.platform,
        "proved": results.proved,
        "trials": results.trials,
        "stack": results.stack.model_dump(mode="json"),
        "cells": {cell.scenario.id: _cell_as_json(cell) for cell in cells},
    }


def _cell_as_json(cell: JudgedCell) -> dict[str, object]:
    scenario = cell.scenario
    return {
        "title": scenario.title,
        "why": scenario.why,
        "teaches": scenario.teaches,
        "spec": list(scenario.spec),
        "invalid": cell.cell.invalid,
        "fault": cell.cell.fault,
        "observations": [
            {"verdict": asdict(verdict), **observation.model_dump(mode="json")}
            for observation, verdict in zip(cell.cell.observations, cell.verdicts, strict=True)
        ],
    }
