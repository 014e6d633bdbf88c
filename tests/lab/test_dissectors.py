"""The run's own capture, read by tshark and tcpdump: they agree with the harness on who reset what, and on which
requests were sent, in every trial."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from driving import Driven
from tshark import requests_on_the_wire

from hangup.conduct.rundir import CAPTURE, KEYS, raw_trials
from hangup.store.record import observe
from hangup.wire import Connection, connections, read_capture

pytestmark = pytest.mark.lab

Side = str
Ends = list[tuple[int, Side, str]]
"""Frame number, who sent it, ``F`` or ``R``: in the order of the frames."""


def capture_of(run: Driven, tool: str) -> Path:
    """The run's capture; skips by name where there is none, or no such tool."""
    if not run.result.proved:
        pytest.skip(f"lab {run.result.lab}: cannot capture here")
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    return run.folder / CAPTURE


def seen_by_tshark(capture: Path) -> dict[tuple[int, int], Ends]:
    """Every FIN and RST, by the peer's port and the client's."""
    fields = [
        "frame.number",
        "tcp.srcport",
        "tcp.dstport",
        "tcp.flags.syn",
        "tcp.flags.ack",
        "tcp.flags.fin",
        "tcp.flags.reset",
    ]
    command = ["tshark", "-n", "-r", str(capture), "-Y", "tcp", "-T", "fields"]
    command += [word for field in fields for word in ("-e", field)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    listeners: set[int] = set()
    ends: dict[tuple[int, int], Ends] = defaultdict(list)
    for line in output.splitlines():
        number, source, target, syn, ack, fin, reset = line.split("\t")
        if syn in ("1", "True") and ack in ("0", "False"):
            listeners.add(int(target))
        peer = int(source) in listeners
        key = (int(source), int(target)) if peer else (int(target), int(source))
        for flag, mark in ((fin, "F"), (reset, "R")):
            if flag in ("1", "True"):
                ends[key].append((int(number), "peer" if peer else "client", mark))
    return dict(ends)


def seen_by_the_analyser(capture: Path) -> dict[tuple[int, int], Ends]:
    with capture.open("rb") as stream:
        found = connections(read_capture(stream))
    ends: dict[tuple[int, int], Ends] = {}
    for connection in found:
        if marks := ends_of(connection):
            ends[connection.resp.port, connection.orig.port] = marks
    return ends


def ends_of(connection: Connection) -> Ends:
    names = {"orig": "client", "resp": "peer"}
    marks = [(fin.number, names[fin.by], "F") for fin in connection.fins]
    marks += [(reset.number, names[reset.by], "R") for reset in connection.resets]
    return sorted(marks)


def test_tshark_sees_the_same_fins_and_resets_in_every_connection(whole: Driven) -> None:
    capture = capture_of(whole, "tshark")
    ours = seen_by_the_analyser(capture)
    assert len(ours) >= len(whole.cells)
    assert ours == seen_by_tshark(capture)


def test_what_each_trial_holds_as_evidence_is_what_tshark_sees(whole: Driven) -> None:
    """Evidence is taken when the first connection is over; the capture goes on until all is cleared away."""
    capture = capture_of(whole, "tshark")
    with capture.open("rb") as stream:
        times = {frame.number: frame.time_ns for frame in read_capture(stream)}
    by_port: dict[int, list[Ends]] = defaultdict(list)
    for (port, _client), ends in seen_by_tshark(capture).items():
        by_port[port].append(ends)
    for trial in raw_trials(whole.folder):
        first = [end for end in min(by_port.get(trial.port, [[]])) if times[end[0]] <= trial.over_ns]
        resets = [who for _number, who, mark in first if mark == "R"]
        fins = [who for _number, who, mark in first if mark == "F"]
        if not trial.evidence:
            assert first == [], trial.name
            continue
        evidence = trial.evidence[0]
        assert set(evidence.rst) <= set(resets), trial.name
        answered = "peer" in evidence.rst or evidence.first_fin == "peer"
        assert answered or "peer" not in resets, trial.name
        assert evidence.first_fin == (fins[0] if fins else "nobody"), trial.name


def test_tshark_counts_the_same_requests_of_every_connection(whole: Driven) -> None:
    """Those that left the client, whoever read them; inside TLS by the keys that the run keeps."""
    sent = requests_on_the_wire(capture_of(whole, "tshark"), whole.folder / KEYS)
    different = []
    for trial in raw_trials(whole.folder):
        connections = zip(trial.seen, observe(trial, str).connections, strict=True)
        ours = {seen.port: Counter(r.method for r in stored.requests) for seen, stored in connections}
        ours = {port: methods for port, methods in ours.items() if methods}
        if ours != dict(sent.get(trial.port, ())):
            different.append((trial.name, ours, sent.get(trial.port)))
    assert different == []
    assert sum(map(len, sent.values())) > len(whole.cells)


def test_tcpdump_counts_the_same_resets(whole: Driven) -> None:
    capture = capture_of(whole, "tcpdump")
    command = ["tcpdump", "-nr", str(capture), "tcp[tcpflags] & tcp-rst != 0"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
    ours = [mark for ends in seen_by_the_analyser(capture).values() for _number, _who, mark in ends if mark == "R"]
    assert len(lines) == len(ours) > 0
