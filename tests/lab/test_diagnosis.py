"""The test of truth: each scenario's capture brings up, unasked, the scenario's own cause first, and the scenario."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from driving import Driven, drive, first_lab
from whole_run import CATALOGUE, LAYERS, MANIFESTS

from hangup.conduct.rundir import CAPTURE, raw_trials
from hangup.conduct.trial import Trial
from hangup.diagnose import Engine, Finding, conclude
from hangup.diagnose.causes import UNKNOWN
from hangup.labs import LabName
from hangup.wire import IcmpError, Segment, decode, read_capture

pytestmark = pytest.mark.lab
in_one_lab = pytest.mark.parametrize("lab_name", [first_lab()], indirect=True, scope="session")
"""A second one would show the same packets."""

PLAIN = ("python/socket", "python/http.client")
"""Clients that do what they are told: of a scenario's causes theirs must be the first."""


@dataclass
class Seen:
    """A run as it was recorded, read once."""

    lab: str
    trials: Mapping[str, list[Trial]]
    """By scenario."""
    packets: Mapping[int, list[Segment | IcmpError]]
    """The segments, and the ICMP errors about them, by the trial's port, in either direction."""


def read(run: Driven) -> Seen:
    """Of a run that captured; else the test is skipped by name."""
    if not run.result.proved:
        pytest.skip(f"lab {run.result.lab}: cannot capture here")
    seen = Seen(run.result.lab, defaultdict(list), defaultdict(list))
    for trial in raw_trials(run.folder):
        seen.trials[trial.scenario].append(trial)
    with (run.folder / CAPTURE).open("rb") as stream:
        for packet in map(decode, read_capture(stream)):
            if packet is not None:
                seen.packets[packet.flow.sport].append(packet)
                seen.packets[packet.flow.dport].append(packet)
    return seen


@pytest.fixture(scope="module")
def played(whole: Driven) -> Seen:
    """The run of all clients."""
    return read(whole)


@pytest.fixture(scope="module")
def waited(lab_name: LabName, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """The scenarios whose ending is the passing of time, with the plain clients."""
    waiting = {name: scenario for name, scenario in CATALOGUE.items() if scenario.waits}
    python = {"python": MANIFESTS["python"]}
    return read(asyncio.run(drive(lab_name, python, waiting, tmp_path_factory.mktemp("waited"), clients=PLAIN)))


def finding(trial: Trial, packets: list[Segment | IcmpError]) -> Finding | None:
    """Of the trial's first connection, until its script had been played: what comes later only clears away."""
    engine = Engine(1 << 24)
    for packet in packets:
        if trial.started_ns <= packet.time_ns <= trial.over_ns:
            if isinstance(packet, IcmpError):
                engine.icmp(packet)
            else:
                engine.segment(packet)
    first = next(engine.cases.rest(), None)
    return None if first is None else conclude(first, engine.around, trial.over_ns)


def assert_first(seen: Seen, scenario: str) -> None:
    """Of every valid trial of the scenario."""
    trials = seen.trials.get(scenario, [])
    if not trials:
        pytest.skip(f"lab {seen.lab}: {scenario} is not played here")
    valid = [trial for trial in trials if trial.invalid is None]
    assert valid
    wanted = CATALOGUE[scenario].cause
    for trial in valid:
        found = finding(trial, seen.packets[trial.port])
        if CATALOGUE[scenario].wire.end == ("nothing",):
            assert (found, wanted) == (None, (UNKNOWN,))
            continue
        assert found is not None
        causes = {wanted[0]} if trial.client in PLAIN else set(wanted)
        assert causes.intersection(found.likeliest), (trial.client, found.conn_state, found.history, found.causes)
        assert scenario in [match.scenario for match in found.scenarios], (trial.client, found.scenarios)


@in_one_lab
@pytest.mark.parametrize("scenario", [name for name, scenario in CATALOGUE.items() if not scenario.waits])
def test_the_scenarios_own_cause_comes_first(played: Seen, scenario: str) -> None:
    assert_first(played, scenario)


@in_one_lab
@pytest.mark.parametrize("scenario", [name for name, scenario in CATALOGUE.items() if scenario.waits])
def test_also_where_the_ending_is_the_passing_of_time(waited: Seen, scenario: str) -> None:
    assert_first(waited, scenario)


def test_the_clients_that_must_bring_up_the_first_cause_are_there() -> None:
    assert set(PLAIN) <= set(LAYERS)
