"""The matrix in the formats that people and programs read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from hangup.agents.protocol import Layer
from hangup.catalogue import Scenario
from hangup.matrix import JudgedCell, judged
from hangup.store import ClientResults

LAYERS: tuple[Layer, ...] = ("stream", "http")
COLUMNS = (
    "platform", "client", "layer", "scenario", "share", "outcome", "faithful", "ending", "tries", "sent",
    "acted_on", "lost", "type", "code", "message", "root_type", "root_code", "root_message", "problem",
)  # fmt: skip


def plain_tables(
    results: Sequence[ClientResults], catalogue: Mapping[str, Scenario], style: str
) -> list[tuple[Layer, str]]:
    """One table a layer: scenarios down, clients across. ``style``: a format of tabulate's (``github``, ``html``)."""
    tables = []
    for layer in LAYERS:
        members = [r for r in results if r.layer == layer]
        if members:
            tables.append((layer, _table(members, catalogue, style)))
    return tables


def _table(members: Sequence[ClientResults], catalogue: Mapping[str, Scenario], style: str) -> str:
    columns = [{cell.scenario.id: cell.short for cell in judged(r, catalogue)} for r in members]
    rows = [
        [name, *(column.get(name, "–") for column in columns)]
        for name in catalogue
        if any(name in column for column in columns)
    ]
    return tabulate(rows, headers=["scenario", *(r.client for r in members)], tablefmt=style, disable_numparse=True)


def csv_table(results: Sequence[ClientResults], catalogue: Mapping[str, Scenario]) -> str:
    """One line an observation (RFC 4180), so a cell that varies has several."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for record in _records(results, catalogue):
        writer.writerow(record)
    return out.getvalue()


def json_table(results: Sequence[ClientResults], catalogue: Mapping[str, Scenario]) -> str:
    """The same records as an array of objects."""
    return json.dumps(list(_records(results, catalogue)), indent=1, ensure_ascii=False) + "\n"


def _records(results: Sequence[ClientResults], catalogue: Mapping[str, Scenario]) -> list[dict[str, Any]]:
    return [
        {"platform": r.platform, "client": r.client, "layer": r.layer, "scenario": cell.scenario.id, **record}
        for r in results
        for cell in judged(r, catalogue)
        for record in cell_records(cell)
    ]


def cell_records(cell: JudgedCell) -> list[dict[str, Any]]:
    """A cell's observations, flat; one record with only a ``problem`` where it has none."""
    problem = cell.cell.invalid or cell.cell.fault
    if problem is not None:
        return [{"problem": problem}]
    records = []
    for observation, verdict in zip(cell.cell.observations, cell.verdicts, strict=True):
        facts = asdict(verdict)
        decisive = observation.operations[facts.pop("decisive")]
        requests = facts.pop("sent")
        record = {"share": observation.share, **facts}
        record["sent"] = None if requests is None else " ".join(f"{name}:{count}" for name, count in requests.items())
        if decisive.error:
            for prefix, link in (("", decisive.error[0]), ("root_", decisive.error[-1])):
                record |= {
                    f"{prefix}type": link.type,
                    f"{prefix}code": link.code,
                    f"{prefix}message": link.message,
                }
        records.append(record)
    return records
