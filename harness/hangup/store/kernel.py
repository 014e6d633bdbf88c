"""The kernel's reasons as they are published: one file a platform, beside the clients'.

Why a RST was sent belongs to the scenario, whoever the client is. What a client draws by its own doings, and what comes
when all is over, does not: of each trial only the first RST on its first connection counts, by the side whose RST the
scenario claims. A run that may not ask the kernel, or saw no such RST, leaves an entry as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from hangup.catalogue import Scenario
from hangup.conduct.trial import Trial
from hangup.kernel import NONE
from hangup.labs.base import LabName
from hangup.store.files import dump_json, read_model, write_text
from hangup.store.model import SCHEMA, Model

ABOUT = "Made by `hangup run` as root: why the kernel sent each scenario's RST (tcp:tcp_send_reset). Do not edit."
FILE = "kernel.json"

CLOSED, CLOSING = "TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA"
"""Two names for data that come to a socket which is closed: the ACK of its FIN came before them, or with them.

A client's kernel delays that ACK by up to 40 ms. If a client writes at once, as TLS clients answer a FIN by
close_notify, the load decides which one it is. Where some clients write later, theirs stands for both.
"""


class ScenarioReset(Model):
    """Why the RST of a scenario is sent."""

    by: Literal["client", "peer"]
    reasons: tuple[str, ...] = Field(min_length=1)
    """In the kernel's own names; several where clients differ, by name. ``none``: no kernel sent it."""
    system: str
    """The kernel that said it: ``Linux 6.18``."""


class End(Model):
    """The closing record: a file without it was cut short."""

    scenarios: int


class KernelResets(Model):
    """One file."""

    schema_: Literal[2] = Field(alias="schema")
    about: str
    platform: LabName
    scenarios: dict[str, ScenarioReset]
    end: End


class KernelRecorder:
    """Collects the reasons of a run's valid trials."""

    def __init__(self) -> None:
        self._reasons: dict[str, dict[str, Counter[str]]] = {}
        """By scenario and client."""
        self._by: dict[str, Literal["client", "peer"]] = {}

    def add(self, trial: Trial, scenario: Scenario) -> None:
        """One more valid trial."""
        by = _claimed(scenario)
        if by is None or trial.kernel is None or not trial.evidence or by not in trial.evidence[0].rst:
            return
        told = (reset.reason for reset in trial.kernel if reset.by == by and reset.connection in (1, None))
        self._by[scenario.id] = by
        clients = self._reasons.setdefault(scenario.id, {})
        clients.setdefault(trial.client, Counter())[next(told, NONE)] += 1

    def scenarios(self, system: str) -> dict[str, ScenarioReset]:
        """What was learnt, by scenario."""
        return {
            name: ScenarioReset(by=self._by[name], reasons=_steady(clients.values()), system=system)
            for name, clients in self._reasons.items()
        }


def _steady(clients: Collection[Counter[str]]) -> tuple[str, ...]:
    """By name, those that are the reason in nine of ten trials of some client.

    Where a client writes at the very moment of the ending, its kernel's reason is a matter of chance, and not the
    scenario's. Where all of them do, the most frequent one stands for all.
    """
    together = sum(clients, Counter[str]())
    if CLOSED in together:
        clients = [
            Counter(CLOSED if reason == CLOSING else reason for reason in counts.elements()) for counts in clients
        ]
        together = sum(clients, Counter[str]())
    steady = {reason for counts in clients for reason, count in counts.items() if count * 10 >= counts.total() * 9}
    if steady:
        return tuple(sorted(steady))
    return (min(together, key=lambda reason: (-together[reason], reason)),)


def _claimed(scenario: Scenario) -> Literal["client", "peer"] | None:
    match scenario.wire.rst:
        case "client":
            return "client"
        case "peer" | "peer if written to":
            return "peer"
        case _:
            return None


def kernel_file(root: Path, platform: str) -> Path:
    """Where a platform's file lies below a results folder."""
    return root / "data" / platform / FILE


def load_kernel(root: Path) -> dict[str, KernelResets]:
    """All of a results folder, by platform; none is no fault. Raises StoreError for one that cannot be read."""
    return {path.parent.name: read_kernel(path) for path in sorted((root / "data").glob(f"*/{FILE}"))}


def read_kernel(path: Path) -> KernelResets:
    """One file. Raises StoreError that says what is wrong with it."""
    return read_model(path, KernelResets, lambda file: (file.end.scenarios, len(file.scenarios), "scenarios"))


def save_kernel(root: Path, platform: LabName, learnt: Mapping[str, ScenarioReset], known: Container[str]) -> None:
    """Write what was ``learnt`` over what a results folder holds, without scenarios that are no longer ``known``."""
    path = kernel_file(root, platform)
    older = read_kernel(path).scenarios if path.exists() else {}
    merged = {name: entry for name, entry in sorted((older | dict(learnt)).items()) if name in known}
    if merged:
        file = KernelResets(
            schema=SCHEMA, about=ABOUT, platform=platform, scenarios=merged, end=End(scenarios=len(merged))
        )
        write_text(path, dump_json(file))
