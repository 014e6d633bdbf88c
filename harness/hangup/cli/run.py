"""``hangup run``: every scenario with every client, and what came of it."""

from __future__ import annotations

import asyncio
import json
import platform
import sys
from collections.abc import Container, Coroutine, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from hangup import paths
from hangup.agents.build import Build
from hangup.agents.manifest import Manifest, load_manifests
from hangup.agents.protocol import Hello
from hangup.catalogue import Scenario, load_catalogue
from hangup.catalogue.model import Need
from hangup.cli.clean import kept_line
from hangup.cli.console import PlainConsole
from hangup.cli.options import build_arg_option, keep_runs_option, lab_option
from hangup.cli.progress import make_progress
from hangup.cli.skipped import nothing_to_run, skipped_lines
from hangup.cli.table import UNPROVED, print_matrix, write_tables
from hangup.conduct.plan import Skipped, possible
from hangup.conduct.run import RunResult, build_agents, furnish, run_matrix
from hangup.conduct.rundir import TRIALS, Removed, RunFolder, remove_old_runs
from hangup.errors import InputError, StoreError
from hangup.interrupts import Interrupts, interruptible
from hangup.labs import Lab, LabChoice, LabName, open_lab, probe
from hangup.labs.base import MAY_OFFER
from hangup.labs.choose import AUTO
from hangup.names import select
from hangup.publication import Publication
from hangup.store import ClientResults, load_results, read_file, save, save_kernel
from hangup.store.drawings import save_drawings
from hangup.store.files import data_file
from hangup.store.model import SCHEMA, Cell, End, Stack

CLEAN_UP_SECONDS = 10.0
"""How long trials that are broken off may take to put things in order, before their lab is closed under them."""
ABOUT = "Made by `hangup run`. Observations only; see results/README.md. Do not edit."


@click.command("run")
@lab_option
@build_arg_option
@click.option("--client", "clients", multiple=True, metavar="GLOB", help="Only these clients; may be repeated.")
@click.option("--scenario", "scenarios", multiple=True, metavar="GLOB", help="Only these scenarios; may be repeated.")
@click.option("--trials", type=click.IntRange(1, 10_000), default=10, show_default=True, help="Trials a cell.")
@click.option("--jobs", type=click.IntRange(1, 256), default=16, show_default=True,
              help="Trials at work at a time; those that only wait run beside them.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=None, metavar="DIR",
              help="Publish into this results folder (default: only into the run's own folder).")  # fmt: skip
@keep_runs_option(1)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, and nothing else on standard output.")
def command(
    lab: LabChoice,
    build_args: tuple[str, ...],
    clients: tuple[str, ...],
    scenarios: tuple[str, ...],
    trials: int,
    jobs: int,
    out: Path | None,
    keep_runs: int | None,
    as_json: bool,
) -> None:
    """Play every scenario with every client, and tabulate what they report.

    Exit status: 0 all cells are valid, 1 some cell could not be measured (`--out` keeps what it held of it), 2 the run
    was not possible, 130 it was interrupted.
    """
    options = RunOptions.make(lab, build_args, clients, scenarios, trials, jobs, out)
    try:
        with interruptible("nothing was published") as interrupts, ExitStack() as stack:
            result, builds = interrupts.run(_play(options, stack))
            results = _collect(result, builds, trials)
            _publish(options, result, results, interrupts)
    finally:  # a run that was interrupted has left a folder, too
        removed = remove_old_runs(paths.runs(), keep_runs) if keep_runs is not None else Removed([], 0)
    console = PlainConsole(stderr=as_json)
    ordered = [results[client] for client in sorted(results)]
    print_matrix(console, ordered, options.scenarios)
    _summary(console, result, out)
    if keep_runs is not None:
        console.print(kept_line(removed, keep_runs), soft_wrap=True, markup=False, highlight=False)
    if as_json:
        removed_runs = [str(folder) for folder in removed.folders]
        click.echo(json.dumps({**_as_json(result, out), "removed_runs": removed_runs}, indent=1))
    sys.exit(1 if result.failed else 0)


@dataclass(frozen=True)
class RunOptions:
    """What was asked for, checked."""

    lab: LabChoice
    build_args: tuple[str, ...]
    manifests: dict[str, Manifest]
    clients: list[str]
    scenarios: dict[str, Scenario]
    trials: int
    jobs: int
    out: Path | None

    @classmethod
    def make(
        cls,
        lab: LabChoice,
        build_args: tuple[str, ...],
        clients: tuple[str, ...],
        scenarios: tuple[str, ...],
        trials: int,
        jobs: int,
        out: Path | None,
    ) -> RunOptions:
        """Raises InputError for a client or scenario that does not exist, or a folder that cannot be written."""
        manifests = load_manifests(paths.clients())
        catalogue = load_catalogue()
        chosen = select("client", clients, [name for m in manifests.values() for name in m.clients])
        languages = {name.partition("/")[0] for name in chosen}
        if out is not None:
            _check_writable(out)
        options = cls(
            lab,
            build_args,
            {language: m for language, m in manifests.items() if language in languages},
            chosen,
            {name: catalogue[name] for name in select("scenario", scenarios, list(catalogue))},
            trials,
            jobs,
            out,
        )
        options.playable(*_at_best(lab))
        return options

    def playable(self, offers: frozenset[Need], lab: str) -> tuple[dict[str, Manifest], list[Skipped]]:
        """The agents that have something to play in such a lab, and why the others have not.

        Raises InputError where there is nothing to play at all.
        """
        cells, skipped = possible(self.manifests.values(), self.clients, self.scenarios, offers, lab)
        if not cells:
            raise nothing_to_run(skipped)
        languages = {cell.client.partition("/")[0] for cell in cells}
        idle = [entry for entry in skipped if entry.what.partition("/")[0] in self.manifests.keys() - languages]
        return {language: m for language, m in self.manifests.items() if language in languages}, idle


def _at_best(lab: LabChoice) -> tuple[frozenset[Need], LabName]:
    """What the lab offers where the machine permits everything; of ``auto`` the first one."""
    name = AUTO[0] if lab == "auto" else lab
    return MAY_OFFER[name], name


def _check_writable(out: Path) -> None:
    probe = out / f".hangup-{id(out)}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"--out {out}: cannot be written: {error.strerror}") from None
    if any((out / "data").glob("*/*/*.json")):
        load_results(out)  # what is damaged there is found before anything is played


async def _play(options: RunOptions, stack: ExitStack) -> tuple[RunResult, dict[str, Build]]:
    """The run's folder is closed with the stack: until then it is kept from other runs."""
    with make_progress() as progress:
        async with open_lab(options.lab, progress.building, options.build_args) as lab:
            await furnish(lab, options.scenarios, progress)
            manifests, idle = options.playable(lab.offers(), lab.name)
            builds, skipped = await build_agents(lab, manifests, progress)
            progress.note(f"lab {lab.name}, clients: {len(options.clients)}, scenarios: {len(options.scenarios)}")
            if options.lab == "auto" and lab.name != AUTO[0]:
                progress.note(f"--lab auto took {lab.name}: {await probe(AUTO[0])}")
            if lab.capture is None:
                progress.note(UNPROVED)
                if options.out is not None:
                    why = f"the {lab.name} lab cannot capture here, and what is unproved is not published"
                    raise InputError(f"--out {options.out}: {why}")
            folder = stack.enter_context(closing(RunFolder.create(paths.runs())))
            try:
                playing = run_matrix(
                    lab, builds, options.clients, options.scenarios,
                    trials=options.trials, jobs=options.jobs, folder=folder, progress=progress,
                    accept=lambda hellos: _mergeable(options, lab.name, hellos, builds),
                )  # fmt: skip
                result = await _ended_with_its_lab(playing, lab)
            finally:
                folder.flush()
    result.skipped[:0] = [*idle, *skipped]
    if not result.cells:
        raise nothing_to_run(result.skipped)
    return result, builds


async def _ended_with_its_lab(work: Coroutine[Any, Any, RunResult], lab: Lab) -> RunResult:
    """What the work gives. Where it is cancelled and cleans up for too long, the lab is closed under it: what it may
    be waiting for, an answer of the peer say, then never comes, and it ends."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task], timeout=CLEAN_UP_SECONDS)
        if not task.done():
            await lab.close()
            await asyncio.wait([task], timeout=CLEAN_UP_SECONDS)
        if task.done() and not task.cancelled():
            task.exception()  # it has been looked at: asyncio would print it
        raise


def _publish(
    options: RunOptions, result: RunResult, results: Mapping[str, ClientResults], interrupts: Interrupts
) -> None:
    """Write the results into the run's folder, and into ``--out`` all of them with the tables, or nothing."""
    folder = result.folder
    assert folder is not None
    kernel = result.kernel.scenarios(_system())
    save(folder, results)
    save_kernel(folder, result.lab, kernel, options.scenarios)
    if options.out is None:
        return
    catalogue = load_catalogue()
    late = {(cell.client, cell.scenario) for cell in result.late}
    with Publication(options.out) as publication:
        new = publication.folder
        merged = {client: _merged(options, new, measured) for client, measured in results.items()}
        save(new, {client: _published(new, one, late) for client, one in merged.items()})
        save_kernel(new, result.lab, kernel, catalogue)
        save_drawings(new, folder, results, options.scenarios, catalogue)
        write_tables(new, list(load_results(new).values()), catalogue)
        with interrupts.held():
            publication.commit()
            interrupts.words = f"published: {options.out}"


def _system() -> str:
    return f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"


def _stack(client: str, hello: Hello, build: Build) -> Stack:
    base = build.base
    return Stack(
        runtime=hello.runtime, versions=hello.clients[client].versions, system=_system(),
        base=base.name if base and base.origin == "pulled" else None, base_origin=base.origin if base else None,
    )  # fmt: skip


def _collect(result: RunResult, builds: Mapping[str, Build], trials: int) -> dict[str, ClientResults]:
    """The run's results by client."""
    collected = {}
    for client, info in sorted(result.clients.items()):
        cells = {
            cell.scenario: recorder.cell() for cell, recorder in sorted(result.cells.items()) if cell.client == client
        }
        if cells:
            language = client.partition("/")[0]
            collected[client] = ClientResults(
                schema=SCHEMA, about=ABOUT, client=client, layer=info.layer, platform=result.lab, proved=result.proved,
                trials=trials, stack=_stack(client, result.hellos[language], builds[language]), cells=cells,
                end=End(cells=len(cells)),
            )  # fmt: skip
    return collected


def _older(options: RunOptions, root: Path, lab: str, client: str) -> ClientResults | None:
    """What a results folder already holds of a client, where this run does not cover all of it."""
    path = data_file(root, lab, client)
    if not path.exists():
        return None
    older = read_file(path)
    known = load_catalogue()
    return older if any(name in known and name not in options.scenarios for name in older.cells) else None


def _mergeable(options: RunOptions, lab: str, hellos: Mapping[str, Hello], builds: Mapping[str, Build]) -> None:
    """Refuses, before anything is played, to mix cells of different versions in one file."""
    if options.out is None:
        return
    for language, hello in hellos.items():
        for client in hello.clients:
            if client not in options.clients:
                continue
            older = _older(options, options.out, lab, client)
            if older is not None and (older.stack, older.trials) != (
                _stack(client, hello, builds[language]),
                options.trials,
            ):
                raise StoreError(
                    f"{data_file(options.out, lab, client)}: holds other scenarios, measured on other versions or with "
                    f"another number of trials; run all scenarios of {client}, or use another --out"
                )


def _merged(options: RunOptions, root: Path, new: ClientResults) -> ClientResults:
    older = _older(options, root, new.platform, new.client)
    if older is None:
        return new
    known = {name for name, scenario in load_catalogue().items() if new.client not in scenario.races}
    cells = {name: cell for name, cell in older.cells.items() if name in known} | new.cells
    return new.model_copy(update={"cells": cells, "end": End(cells=len(cells))})


def _published(out: Path, new: ClientResults, late: Container[tuple[str, str]]) -> ClientResults:
    """The results with the cells that ``out`` already holds in place of those that could not be measured.

    Where it holds none of the same stack, a cell that is only ``late`` is left out: it would tell of this machine.
    """
    path = data_file(out, new.platform, new.client)
    earlier: dict[str, Cell] = {}
    with suppress(StoreError):  # of another schema, or damaged: it gives nothing
        older = read_file(path) if path.exists() else None
        if older is not None and (older.stack, older.trials) == (new.stack, new.trials):
            earlier = {name: cell for name, cell in older.cells.items() if _is_result(cell)}
    cells = {}
    for name, cell in new.cells.items():
        if _is_result(cell):
            cells[name] = cell
        elif name in earlier:
            cells[name] = earlier[name]
        elif (new.client, name) not in late:
            cells[name] = cell
    return new.model_copy(update={"cells": cells, "end": End(cells=len(cells))})


def _is_result(cell: Cell) -> bool:
    """Whether all its trials are valid: one that failed may hold some that are, all the same."""
    return cell.invalid is None and cell.fault is None


def _summary(console: Console, result: RunResult, out: Path | None) -> None:
    rate = result.trials / result.seconds if result.seconds else 0.0
    console.print(
        f"{len(result.cells)} cells, {result.trials} trials in {result.seconds:.1f} s ({rate:.0f} a second), "
        f"{result.repeated} repeated; {result.packets:,} packets captured, {result.dropped} dropped",
        soft_wrap=True,
    )
    for line in skipped_lines(result.skipped):
        console.print(f"skipped {line}", soft_wrap=True, markup=False)
    for cell, reason in result.failed:
        console.print(f"no result for {cell.client} {cell.scenario}: {reason}", soft_wrap=True, markup=False)
    if result.failed and out is not None:
        console.print(f"{out} keeps what it held of these {len(result.failed)} cells", soft_wrap=True)
    if not result.proved:
        console.print(UNPROVED, style="bold")
    if result.repeats:
        reasons = "; ".join(f"{count} × {reason}" for reason, count in result.repeats.most_common())
        console.print(f"repeated: {reasons}", soft_wrap=True, markup=False, highlight=False)
        if result.folder is not None:
            trials = f'each trial that was not valid: {result.folder / TRIALS}, "invalid"'
            console.print(trials, soft_wrap=True, markup=False, highlight=False)
    console.print(f"the run: {result.folder}" + (f"; published: {out}" if out else ""), soft_wrap=True)


def _as_json(result: RunResult, out: Path | None) -> dict[str, object]:
    return {
        "lab": result.lab,
        "proved": result.proved,
        "cells": len(result.cells),
        "trials": result.trials,
        "repeated": result.repeated,
        "repeats": dict(result.repeats.most_common()),
        "seconds": round(result.seconds, 3),
        "packets": result.packets,
        "dropped": result.dropped,
        "skipped": [{"what": s.what, "reason": s.reason} for s in result.skipped],
        "failed": [{"client": c.client, "scenario": c.scenario, "reason": reason} for c, reason in result.failed],
        "run": str(result.folder),
        "out": str(out) if out else None,
    }
