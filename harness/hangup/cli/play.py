"""``hangup play``: one trial, live, with the packets as they pass, and then what they mean."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from hangup.cli.console import make_console, section
from hangup.cli.options import build_arg_option, lab_option
from hangup.cli.playing import Cast, Played, play
from hangup.cli.report import (
    KERNEL,
    evidence_lines,
    kernel_lines,
    operations,
    sentences,
    verdict_table,
)
from hangup.cli.table import UNPROVED
from hangup.errors import AgentFault, InputError, StoreError
from hangup.interrupts import interruptible
from hangup.ladder.render import columns, head, line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from hangup.labs import Lab, LabChoice
    from hangup.ladder import Row


@click.command("play")
@click.argument("scenario")
@click.option("--client", required=True, metavar="CLIENT", help="Who plays it, such as python/socket.")
@lab_option
@build_arg_option
@click.option("--count", type=click.IntRange(1, 1000), default=None, metavar="N",
              help="Play the script's repeated part N times.")  # fmt: skip
@click.option("--pcap", type=click.Path(path_type=Path), default=None, metavar="FILE",
              help="Write the trial's packets for Wireshark.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Only the result, for programs.")
def command(
    scenario: str,
    client: str,
    lab: LabChoice,
    build_args: tuple[str, ...],
    count: int | None,
    pcap: Path | None,
    as_json: bool,
) -> int:
    """Play one trial of SCENARIO live: what each side does, and the packets as they pass.

    Exit status: 0 the trial is valid, 1 it is not or the agent failed, 2 it could not be played.
    """
    cast = Cast.make(scenario, client, count)
    if pcap is not None:
        _check_writable(pcap)
    console = make_console()
    if not as_json:
        console.print(Text(f"{client} meets {cast.scenario.id}: {cast.scenario.title}", style="bold"))
        console.print(Text(cast.scenario.why))
    screen = Screen(console, client, quiet=as_json)
    try:
        with interruptible("no trial was played") as interrupts:
            played = interrupts.run(play(cast, lab, build_args, screen, must_capture=pcap is not None))
    except AgentFault as fault:
        raise click.ClickException(f"{fault}. That says nothing of the client") from None
    if pcap is not None:
        _write(pcap, played.capture)
    if as_json:
        click.echo(json.dumps(_as_json(played), indent=1, ensure_ascii=False))
    else:
        screen.end()
        _report(console, played)
    return 0 if played.trial.invalid is None else 1


class Screen:
    """Prints rows as they come. Those before the first packet wait for it: all times are counted from there."""

    def __init__(self, console: Console, client: str, *, quiet: bool) -> None:
        self._console = console
        self._client = client
        self._quiet = quiet
        self._widths = columns(console.width)
        self._start_ns: int | None = None
        self._early: list[Row] = []
        self._captures = False

    def building(self, title: str) -> None:
        """An agent has to be built first."""
        click.echo(f"building the {title} agent", err=True)

    def begin(self, lab: Lab) -> None:
        """The lab is there, and the trial about to begin."""
        self._captures = lab.capture is not None
        if not self._quiet:
            self._console.print(Text(f"Lab {lab.name}." + ("" if self._captures else f" {UNPROVED}")))
            self._console.print()
            self._console.print(head(self._client, self._widths))

    def show(self, row: Row) -> None:
        """One more row."""
        if self._start_ns is None:
            self._early.append(row)
            if row.packet is not None or not self._captures:
                self._begin_at(row.time_ns)
        else:
            self._print(row, self._start_ns)

    def end(self) -> None:
        """No more comes."""
        if self._start_ns is None and self._early:
            self._begin_at(self._early[0].time_ns)

    def _begin_at(self, start_ns: int) -> None:
        self._start_ns = start_ns
        for row in self._early:
            self._print(row, start_ns)

    def _print(self, row: Row, start_ns: int) -> None:
        if not self._quiet:
            self._console.print(line(row, start_ns, self._widths))


def _report(console: Console, played: Played) -> None:
    trial = played.trial
    if trial.invalid is not None:
        console.print(section("INVALID", Text(f"{trial.invalid}.\nThis says nothing of the client: play it again.")))
    if played.verdict is not None:
        console.print(section("Verdict", verdict_table(played.verdict)))
        console.print(section("What its API gave", *operations(played.observation)))
    if trial.evidence:
        title = "Evidence" if trial.invalid else "Evidence: valid, the wire shows what the scenario asks for"
        console.print(section(title, *evidence_lines(trial.evidence)))
    if reasons := kernel_lines(trial.kernel, trial.evidence):
        console.print(section(KERNEL, *reasons))
    if played.explanation:
        console.print(section("What happened", sentences(played.explanation)))


def _as_json(played: Played) -> dict[str, object]:
    trial = played.trial
    return {
        "client": trial.client,
        "scenario": trial.scenario,
        "lab": played.lab,
        "proved": trial.proved,
        "valid": trial.invalid is None,
        "invalid": trial.invalid,
        "verdict": asdict(played.verdict) if played.verdict else None,
        "observation": played.observation.model_dump(mode="json", exclude={"share"}),
        "evidence": [asdict(connection) for connection in trial.evidence],
        "kernel": None if trial.kernel is None else [asdict(reason) for reason in trial.kernel],
        "peer": [asdict(connection) for connection in trial.log],
        "packets": [
            {
                "ms": (packet.time_ns - played.packets[0].time_ns) / 1e6,
                "connection": packet.connection,
                "sender": packet.sender,
                "what": packet.words,
                "seq": packet.seq,
                "ack": packet.ack,
            }
            for packet in played.packets
        ],
        "explanation": played.explanation,
    }


def _check_writable(path: Path) -> None:
    """Raises a HangupError where the file could not be written in the end."""
    if path.exists() and not path.is_file():
        raise InputError(f"--pcap {path}: not a file")
    if path.exists() and not os.access(path, os.W_OK):
        raise StoreError(f"--pcap {path}: cannot be written: permission denied")
    with _beside(path):
        pass


def _write(path: Path, data: bytes) -> None:
    """The whole file or nothing."""
    with _beside(path) as temporary:
        temporary.write_bytes(data)
        temporary.chmod(0o644)
        temporary.replace(path)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A temporary file in the same folder, gone afterwards unless it was renamed."""
    try:
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent, delete=False) as file:
            temporary = Path(file.name)
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"--pcap {path}: cannot be written: {error.strerror}") from None
