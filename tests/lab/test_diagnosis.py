"""The test of truth: each scenario's capture brings up the scenario's own cause first, unasked."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping

import pytest
from driving import Driven, drive
from whole_run import CATALOGUE, LAYERS, MANIFESTS

from hangup.conduct.rundir import CAPTURE, raw_trials
from hangup.conduct.trial import Trial
from hangup.diagnose import Engine, Finding, conclude
from hangup.diagnose.causes import UNKNOWN
from hangup.labs import LabName
from hangup.wire import IcmpError, Segment, decode, read_capture

pytestmark = pytest.mark.lab

PLAIN = ("python/socket", "python/http.client")
"""Clients that do what they are told: of a scenario's causes theirs must be the first."""


Packets = Mapping[int, list[Segment | IcmpError]]
"""A run's segments, and the ICMP errors about them, by the trial's port, in either direction."""


def packets_of(run: Driven) -> Packets:
    """Of a run that captured; else the test is skipped by name."""
    if not run.result.proved:
        pytest.skip(f"lab {run.result.lab}: cannot capture here")
    found: dict[int, list[Segment | IcmpError]] = defaultdict(list)
    with (run.folder / CAPTURE).open("rb") as stream:
        for packet in map(decode, read_capture(stream)):
            if packet is not None:
                found[packet.flow.sport].append(packet)
                found[packet.flow.dport].append(packet)
    return found


@pytest.fixture(scope="module")
def packets(whole: Driven) -> Packets:
    """Of the run of all clients."""
    return packets_of(whole)


@pytest.fixture(scope="module")
def waited(lab_name: LabName, tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """The scenarios whose ending is the passing of time, with the plain clients."""
    waiting = {name: scenario for name, scenario in CATALOGUE.items() if scenario.waits}
    python = {"python": MANIFESTS["python"]}
    return asyncio.run(drive(lab_name, python, waiting, tmp_path_factory.mktemp("waited"), clients=PLAIN))


@pytest.fixture(scope="module")
def packets_while_waiting(waited: Driven) -> Packets:
    """Of the run of scenarios that wait."""
    return packets_of(waited)


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


def assert_first(run: Driven, packets: Packets, scenario: str) -> None:
    """Of every valid trial of the scenario."""
    trials = [trial for trial in raw_trials(run.folder) if trial.scenario == scenario]
    if not trials:
        pytest.skip(f"lab {run.result.lab}: {scenario} is not played here")
    valid = [trial for trial in trials if trial.invalid is None]
    assert valid
    wanted = CATALOGUE[scenario].cause
    for trial in valid:
        found = finding(trial, packets[trial.port])
        if CATALOGUE[scenario].wire.end == ("nothing",):
            assert (found, wanted) == (None, (UNKNOWN,))
            continue
        assert found is not None
        causes = {wanted[0]} if trial.client in PLAIN else set(wanted)
        assert causes.intersection(found.likeliest), (trial.client, found.conn_state, found.history, found.causes)
        if trial.client in PLAIN:
            assert scenario in [match.scenario for match in found.scenarios], (trial.client, found.scenarios)


@pytest.mark.parametrize("scenario", [name for name, scenario in CATALOGUE.items() if not scenario.waits])
def test_the_scenarios_own_cause_comes_first(whole: Driven, packets: Packets, scenario: str) -> None:
    assert_first(whole, packets, scenario)


@pytest.mark.parametrize("scenario", [name for name, scenario in CATALOGUE.items() if scenario.waits])
def test_also_where_the_ending_is_the_passing_of_time(
    waited: Driven, packets_while_waiting: Packets, scenario: str
) -> None:
    assert_first(waited, packets_while_waiting, scenario)


def test_the_clients_that_must_bring_up_the_first_cause_are_there() -> None:
    assert set(PLAIN) <= set(LAYERS)
