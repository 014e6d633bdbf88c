"""Drawings: the ladder of one trial of each scenario, as it is published beside the results, with what it means.

A drawing is an example: times and ports in it are those of that one trial. So that the same stacks give the same bytes,
it is kept for as long as its script and its client's versions are what they were. It is not exported by the package:
who reads results needs no ladders.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from hangup.agents.protocol import ClientId, Layer
from hangup.catalogue import Scenario, words
from hangup.conduct.rundir import Captured, captured_packets, raw_trials
from hangup.conduct.trial import Trial
from hangup.judge import judge
from hangup.labs.base import LabName
from hangup.ladder import explain, ladder
from hangup.store.files import dump_json, read_model, write_text
from hangup.store.model import SCHEMA, ClientResults, Model, Stack
from hangup.store.record import observe

ABOUT = "Made by `hangup run`: the packets of one trial, with times and ports of its own. Do not edit."
PREFERRED: tuple[str, ...] = ("python/socket", "python/http.client")
"""Whose trial is drawn, if it has a valid one: they do what the script says and no more. Else the first of all."""


class Row(Model):
    """One line of a ladder: a packet, what was done beside it, or a heading instead of both."""

    ms: float = 0.0
    """Since the first packet."""
    client: str = ""
    sender: Literal["client", "peer"] | None = None
    """Of the packet; None where the row has none."""
    words: str = ""
    numbers: str = ""
    peer: str = ""
    heading: str = ""


class DrawingEnd(Model):
    """The closing record: a file without it was cut short."""

    rows: int


class Drawing(Model):
    """One file."""

    schema_: Literal[2] = Field(alias="schema")
    about: str
    platform: LabName
    client: ClientId
    layer: Layer
    scenario: str
    script: tuple[str, ...]
    """What was played, in words."""
    stack: Stack
    rows: tuple[Row, ...]
    said: tuple[str, ...]
    """What happened, in terms of these packets."""
    end: DrawingEnd


def script(scenario: Scenario) -> tuple[str, ...]:
    """By which a drawing is known to be of this script."""
    again = words.further(scenario)
    return (*words.sequence(scenario), *([f"again: {again}"] if again else []))


def draw(trial: Trial, packets: Iterable[Captured], scenario: Scenario, results: ClientResults) -> Drawing:
    """The drawing of a valid trial."""
    drawn = ladder(trial, (captured.packet for captured in packets))
    outcome = judge(results.client, results.layer, scenario, observe(trial, str)).outcome
    read = {connection.remote: connection.read for connection in trial.log}
    said = explain(drawn.packets, drawn.icmp, read, outcome, start_ns=drawn.start_ns)
    rows = tuple(
        Row(heading=row.heading)
        if row.heading
        else Row(
            ms=round((row.time_ns - drawn.start_ns) / 1e6, 3), client=row.client, peer=row.peer,
            sender=row.packet.sender if row.packet else None,
            words=row.packet.words if row.packet else "", numbers=row.packet.numbers if row.packet else "",
        )
        for row in drawn.rows
    )  # fmt: skip
    return Drawing(
        schema=SCHEMA, about=ABOUT, platform=results.platform, client=results.client, layer=results.layer,
        scenario=scenario.id,
        script=script(scenario), stack=results.stack, rows=rows,
        said=tuple(said), end=DrawingEnd(rows=len(rows)),
    )  # fmt: skip


def drawing_file(root: Path, platform: str, layer: Layer, scenario: str) -> Path:
    """Where a drawing lies below a results folder."""
    return root / "drawings" / platform / layer / f"{scenario}.json"


def read_drawing(path: Path) -> Drawing:
    """One file. Raises StoreError that says what is wrong with it."""
    return read_model(path, Drawing, lambda file: (file.end.rows, len(file.rows), "rows"))


def load_drawings(root: Path, catalogue: Mapping[str, Scenario]) -> list[Drawing]:
    """All of a results folder that still are of the catalogue's scripts; none is no fault.

    Raises StoreError for one that cannot be read.
    """
    found = map(read_drawing, sorted((root / "drawings").glob("*/*/*.json")))
    return [d for d in found if d.scenario in catalogue and d.script == script(catalogue[d.scenario])]


def save_drawings(
    root: Path,
    run: Path,
    results: Mapping[str, ClientResults],
    catalogue: Mapping[str, Scenario],
    known: Container[str],
) -> None:
    """Draw a trial of each scenario and layer of a run, where the results folder has no drawing that is still true.

    ``catalogue``: what was played. Drawings of scenarios that are no longer ``known`` are removed.
    """
    for path in (root / "drawings").glob("*/*/*.json"):
        if path.stem not in known:
            path.unlink()
    wanted: dict[tuple[str, str], Path] = {}
    for scenario in catalogue.values():
        for layer in scenario.layers:
            able = [r for r in results.values() if r.layer == layer and _has_result(r, scenario.id)]
            if able:
                chosen = min(able, key=lambda r: rank(r.client))
                path = drawing_file(root, chosen.platform, layer, scenario.id)
                if not (path.exists() and still_true(read_drawing(path), chosen, scenario)):
                    wanted[chosen.client, scenario.id] = path
    for trial, packets in drawable(run, wanted):
        drawing = draw(trial, packets, catalogue[trial.scenario], results[trial.client])
        write_text(wanted[trial.client, trial.scenario], dump_json(drawing))


def drawable(run: Path, wanted: Iterable[tuple[str, str]]) -> list[tuple[Trial, list[Captured]]]:
    """The first valid trial, with its packets, of each cell (client and scenario) that is wanted and that a run has."""
    left = set(wanted)
    if not left:
        return []
    trials = []
    for trial in raw_trials(run):
        if (trial.client, trial.scenario) in left and trial.invalid is None and trial.proved:
            left.discard((trial.client, trial.scenario))
            trials.append(trial)
    packets = captured_packets(run, trials)
    return [(trial, packets[trial.name]) for trial in trials]


def still_true(older: Drawing, results: ClientResults, scenario: Scenario) -> bool:
    """Whether a drawing may stay: of the same script, and of the same versions or of a client that is preferred."""
    if older.script != script(scenario):
        return False
    if older.client == results.client:
        return older.stack == results.stack
    return rank(older.client) < rank(results.client)


def rank(client: str) -> tuple[int, str]:
    """The order in which clients are drawn."""
    return PREFERRED.index(client) if client in PREFERRED else len(PREFERRED), client


def _has_result(results: ClientResults, scenario: str) -> bool:
    return scenario in results.cells and bool(results.cells[scenario].observations)
