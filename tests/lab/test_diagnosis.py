"""The test of truth: each scenario's capture brings up the scenario's own cause first, unasked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import pytest
from driving import Driven
from whole_run import CATALOGUE, LAYERS

from hangup.conduct.rundir import CAPTURE, raw_trials
from hangup.conduct.trial import Trial
from hangup.diagnose import Engine, Finding, conclude
from hangup.wire import Segment, decode, read_capture

pytestmark = pytest.mark.lab

PLAIN = ("python/socket", "python/http.client")
"""Clients that do what they are told: of a scenario's causes theirs must be the first."""


@pytest.fixture(scope="module")
def packets(whole: Driven) -> Mapping[int, list[Segment]]:
    """The run's segments by the trial's port, in either direction."""
    if not whole.result.proved:
        pytest.skip(f"lab {whole.result.lab}: cannot capture here")
    found: dict[int, list[Segment]] = defaultdict(list)
    with (whole.folder / CAPTURE).open("rb") as stream:
        for frame in read_capture(stream):
            segment = decode(frame)
            if isinstance(segment, Segment):
                found[segment.sport].append(segment)
                found[segment.dport].append(segment)
    return found


def finding(trial: Trial, segments: list[Segment]) -> Finding:
    """Of the trial's first connection, until its script had been played: what comes later only clears away."""
    engine = Engine(1 << 24)
    for segment in segments:
        if trial.started_ns <= segment.time_ns <= trial.over_ns:
            engine.segment(segment)
    return conclude(next(engine.cases.rest()), engine.around, trial.over_ns)


def test_every_scenario_names_its_cause() -> None:
    assert [name for name, scenario in CATALOGUE.items() if not scenario.cause] == []


@pytest.mark.parametrize("scenario", [name for name, scenario in CATALOGUE.items() if not scenario.waits])
def test_the_scenarios_own_cause_comes_first(
    whole: Driven, packets: Mapping[int, list[Segment]], scenario: str
) -> None:
    trials = [t for t in raw_trials(whole.folder) if t.scenario == scenario and t.invalid is None]
    assert trials
    wanted = CATALOGUE[scenario].cause
    for trial in trials:
        found = finding(trial, packets[trial.port])
        causes = {wanted[0]} if trial.client in PLAIN else set(wanted)
        assert causes.intersection(found.likeliest), (trial.client, found.conn_state, found.history, found.causes)
        if trial.client in PLAIN:
            assert scenario in [match.scenario for match in found.scenarios], (trial.client, found.scenarios)


def test_the_clients_that_must_bring_up_the_first_cause_are_there() -> None:
    assert set(PLAIN) <= set(LAYERS)
