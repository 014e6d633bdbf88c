"""Agents that misbehave on purpose, all in one run: each harms its own trial only, and never becomes a result.

Every saboteur hosts a ``guilty`` client, for which it misbehaves, and an ``innocent`` one, whose trials are in flight
in the same process at the same time. They all run together, beside an agent without fault.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from driving import Driven, drive, processes_with

from hangup.agents import agent
from hangup.agents.manifest import Manifest, load_manifest
from hangup.catalogue import Scenario, load_catalogue
from hangup.conduct import run
from hangup.labs import LabName

pytestmark = pytest.mark.lab

HERE = Path(__file__).parent

CLIENT_TOML = """
language = "{name}"
title = "The saboteur {name}"
version = ["{{python}}", "--version"]
minimum = "3.9"
remedy = "none: it is a test"
build = []
run = ["{{python}}", "{name}.py"]
env = {{ {env} }}
[clients."{name}/guilty"]
layer = "stream"
file = "{name}.py"
docs = "https://example.org/"
[clients."{name}/innocent"]
layer = "stream"
file = "{name}.py"
docs = "https://example.org/"
"""

FAULTS = {
    "crash": "ended with status 3; its last words: MemoryError: no room for another socket",
    "hang": "did not answer a ping",
    "flood": "wrote a line of more than 1,048,576 bytes",
    "floodlines": "wrote a line that is no message of the protocol",
    "rubbish": "wrote a line that is no message of the protocol",
    "shape": "wrote a line that is no message of the protocol",
    "hash": "wrote a line that is no message of the protocol",
    "wrongid": "which was not open: it answered twice, or made up an id",
    "twice": "which was not open: it answered twice, or made up an id",
    "late": "the agent of late/guilty answered too late",
    "greeting": "said hello twice",
    "boaster": "1,085 bytes received, where 1,084 were sent",
    "inventor": "wrote a line that is no message of the protocol (reply.status",
    "unable": "could not run 'exchange' of unable/guilty: no more threads",
}
"""What is to be said of those that misbehave during a trial."""

STILLBORN = {
    "nohello": "said no hello within",
    "stillborn": "libssl.so.1.1: cannot open shared object file",
    "version": "speaks protocol 3, not 2",
    "differs": "its hello and client.toml differ on its clients: [('differs/stranger', 'http')]",
    "hellotwice": "said hello twice",
}
"""What is to be said of those that do not come up as an agent should."""

HARMLESS = ["noise", "honest"]

IMPATIENT = {"hang": {"PING_SECONDS": 2.0}, "late": {}, "nohello": {"START_SECONDS": 2.0}}
"""Those that say nothing in time, for which the harness is made impatient. Each runs alone: on a busy machine its
impatience would hit others, too."""


def manifest(name: str, folder: Path, **env: str) -> Manifest:
    """A saboteur's folder as an agent's has to be, read by the harness's own loader."""
    folder = folder / name
    folder.mkdir(parents=True)
    for file in {"honest.py", f"{name}.py"}:
        shutil.copy(HERE / file, folder)
    variables = {"SABOTEUR_DIARY": str(folder / "diary"), **env}
    text = ", ".join(f'{key} = "{value}"' for key, value in variables.items())
    (folder / "client.toml").write_text(CLIENT_TOML.format(name=name, env=text))
    return load_manifest(folder)


def impatient(scenario: Scenario) -> Scenario:
    """The scenario with a deadline that a test can wait for. A busy machine may well be late for it."""
    return scenario.model_copy(update={"deadline": 2.0})


@dataclass
class Rampage:
    """A run of all saboteurs at once."""

    driven: Driven
    folder: Path
    complaints: list[str]
    """What asyncio logged."""

    def misdeeds(self, name: str) -> int:
        """How often a saboteur did it, by its own diary."""
        diary = self.folder / name / "diary"
        return len(diary.read_text().splitlines()) if diary.exists() else 0

    def outcome(self, client: str) -> tuple[int | None, ...]:
        """The received bytes of each form of the client's observations of ``normal``; none where it has a fault."""
        cell = self.driven.cells[client, "normal"]
        assert cell.invalid is None
        assert bool(cell.fault) != bool(cell.observations)
        return tuple(o.operations[-1].received for o in cell.observations)


def rampages(lab: LabName, root: Path, trials: int, **env: str) -> dict[str, Rampage]:
    """Let them all loose, most of them at the same time."""
    together = [name for name in (*FAULTS, *STILLBORN, *HARMLESS) if name not in IMPATIENT]
    common = rampage(lab, root / "together", together, None, trials, **env)
    alone = {name: rampage(lab, root / name, [name], less, trials, **env) for name, less in IMPATIENT.items()}
    return dict.fromkeys(together, common) | alone


def rampage(
    lab: LabName, root: Path, names: Sequence[str], patience: Mapping[str, float] | None, trials: int, **env: str
) -> Rampage:
    """A run of these."""
    folder = root / "agents"
    manifests = {name: manifest(name, folder, **env) for name in names}
    normal = load_catalogue()["normal"]
    complaints: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: complaints.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("asyncio").addHandler(handler)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        for name, seconds in (patience or {}).items():
            patch.setattr(agent, name, seconds)
        driven = asyncio.run(
            drive(
                lab,
                manifests,
                {"normal": normal if patience is None else impatient(normal)},
                root,
                trials=trials,
                jobs=64,
            )
        )
    gc.collect()  # what was never awaited is logged when it is thrown away
    logging.getLogger("asyncio").removeHandler(handler)
    return Rampage(driven, folder, complaints)


@pytest.fixture(scope="module")
def always(lab_name: LabName, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rampage]:
    """Saboteurs that misbehave whenever they can; one trial a cell, so that misdeeds can be counted. By their names."""
    return rampages(lab_name, tmp_path_factory.mktemp("always"), trials=1)


@pytest.fixture(scope="module")
def once(lab_name: LabName, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rampage]:
    """Saboteurs that misbehave a single time."""
    return rampages(lab_name, tmp_path_factory.mktemp("once"), trials=3, SABOTEUR_ONCE="1")


WHOLE = (1024 + len("HTTP/1.1 200 OK\r\nContent-Length: 1024\r\nConnection: close\r\n\r\n"),)
"""What an honest stream client observes of ``normal``: one form, and every byte."""


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_the_agents_and_never_an_observation(always: dict[str, Rampage], name: str) -> None:
    assert always[name].outcome(f"{name}/guilty") == ()
    fault = always[name].driven.cells[f"{name}/guilty", "normal"].fault
    assert fault is not None
    assert FAULTS[name] in fault
    assert name in fault


@pytest.mark.parametrize("name", FAULTS)
def test_the_trial_was_repeated_exactly_once(always: dict[str, Rampage], name: str) -> None:
    assert always[name].misdeeds(name) == 2
    assert len(always[name].driven.notes.about(f"{name}/guilty normal: ")) == 1


@pytest.mark.parametrize("name", FAULTS)
def test_others_in_the_same_process_are_unharmed(always: dict[str, Rampage], name: str) -> None:
    assert always[name].outcome(f"{name}/innocent") == WHOLE


@pytest.mark.parametrize("name", HARMLESS)
@pytest.mark.parametrize("client", ["guilty", "innocent"])
def test_a_nuisance_is_not_a_fault(always: dict[str, Rampage], name: str, client: str) -> None:
    assert always[name].outcome(f"{name}/{client}") == WHOLE
    assert not always[name].driven.notes.about(f"{name}/")


@pytest.mark.parametrize("name", STILLBORN)
def test_an_agent_that_does_not_come_up_is_skipped_by_name(always: dict[str, Rampage], name: str) -> None:
    (skipped,) = [s for s in always[name].driven.result.skipped if s.what == f"{name}/*"]
    assert STILLBORN[name] in skipped.reason
    assert not [client for client, _scenario in always[name].driven.cells if client.startswith(f"{name}/")]


@pytest.mark.parametrize("name", FAULTS)
def test_one_that_misbehaves_once_gives_the_normal_result(once: dict[str, Rampage], name: str) -> None:
    driven = once[name].driven
    assert once[name].misdeeds(name) == 1
    assert once[name].outcome(f"{name}/guilty") == once[name].outcome(f"{name}/innocent") == WHOLE
    assert driven.cells[f"{name}/guilty", "normal"].observations[0].share == "always"
    assert driven.notes.about(f"{name}/guilty normal: ")
    kind = re.sub(r"\d+", "…", FAULTS[name])  # a repetition is counted by its reason, without the numbers in it
    assert [reason for reason in driven.result.repeats if kind in reason or f"the {name} agent" in reason]


def test_asyncio_has_nothing_to_complain_of(always: dict[str, Rampage], once: dict[str, Rampage]) -> None:
    """It prints what nobody awaited; a user who meets a bad agent must not have to read that."""
    assert [r.complaints for r in (*always.values(), *once.values()) if r.complaints] == []


def test_no_process_is_left_behind(always: dict[str, Rampage], once: dict[str, Rampage]) -> None:
    for each in (*always.values(), *once.values()):
        assert list(processes_with(str(each.folder))) == []


def sluggish(lab: LabName, root: Path, monkeypatch: pytest.MonkeyPatch, **env: str) -> Driven:
    """A trial with time in its script, by an agent that has its turns late."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))
    manifests = {"sluggish": manifest("sluggish", root / "agents", **env)}
    scenario = load_catalogue()["reuse-after-rst-get-again"]
    assert scenario.timed
    return asyncio.run(drive(lab, manifests, {scenario.id: scenario}, root, clients=["sluggish/guilty"]))


def test_a_trial_that_was_late_is_never_a_result(
    lab_name: LabName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "LATE_REPEATS", 1)
    monkeypatch.setattr(run, "LATE_PAUSE_SECONDS", 0.0)
    driven = sluggish(lab_name, tmp_path, monkeypatch)
    (cell,) = driven.cells.values()
    assert not cell.observations
    assert cell.invalid is not None
    assert cell.invalid.startswith("the machine was too busy")
    assert driven.result.late == set(driven.result.cells)
    assert (driven.result.trials, driven.result.repeated) == (2, 1)


def test_a_trial_that_was_late_is_repeated(lab_name: LabName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driven = sluggish(lab_name, tmp_path, monkeypatch, SABOTEUR_ONCE="1")
    (cell,) = driven.cells.values()
    assert cell.observations
    assert driven.result.repeated
    assert not driven.result.late
