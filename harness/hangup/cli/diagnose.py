"""``hangup diagnose``: how every connection of a capture ended, who ended it and why, and what clients say of it."""

from __future__ import annotations

import gc
import heapq
import importlib
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from hangup.cli.options import read_results, results_option
from hangup.diagnose import Engine, Finding, Inputs, Severity, Summary, findings, record, troubled
from hangup.diagnose.choosing import SORTS, Filter, fails, make_failure, make_filter
from hangup.errors import InputError
from hangup.plain_text import plain, plain_line
from hangup.wire import Segment, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hangup.diagnose.case import Case
    from hangup.diagnose.finding import Outline
    from hangup.diagnose.matching import Matrix, Report
    from hangup.wire import Frame

_PIPED = 200
_SHORT = 20
_PAGE = 200
"""Connections that a page shows."""
_MB = 1 << 20
_COLLECT = 50_000
"""New objects after which cycles are searched for."""


@click.command("diagnose")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a connection, with Zeek's field names.")
@click.option("--table", "table_only", is_flag=True, help="Only the table of connections, all of them.")
@click.option("--stream", type=click.IntRange(min=0), metavar="N", help="One connection in full, with its packets.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), metavar="OUT", help="Write a page that stands alone."
)
@click.option(
    "--state", "states", multiple=True, metavar="GLOB", help="Only these conn_states of Zeek's; may be repeated."
)
@click.option("--cause", "names", multiple=True, metavar="GLOB", help="Only these most likely causes; may be repeated.")
@click.option("--host", "hosts", multiple=True, metavar="ADDRESS", help="Only with this address or network on a side.")
@click.option("--port", "ports", multiple=True, type=click.IntRange(0, 65535), help="Only with this port on a side.")
@click.option("--severity", type=click.Choice([s.value for s in Severity]), default="none", show_default=True,
              help="Only those that are at least as grave.")  # fmt: skip
@click.option(
    "--sort", type=click.Choice(list(SORTS)), default="severity", show_default=True, help="Order of the table."
)
@click.option("--limit", type=click.IntRange(min=0), default=None, metavar="N", help="Lines of the table; 0: all.")
@click.option("--client", "clients", multiple=True, metavar="GLOB",
              help="Tell what these clients report for such endings; may be repeated.")  # fmt: skip
@results_option
@click.option("--fail-on", "failures", multiple=True, metavar="WHAT",
              help="Exit status 1 where there is one: reset, a severity, or a cause; may be repeated.")  # fmt: skip
@click.option("--follow", is_flag=True, help="Wait for the file to grow, until interrupted (Ctrl+C).")
@click.option("--max-memory", type=click.IntRange(min=1), default=1024, show_default=True, metavar="MB",
              help="For all connections that are open at a time.")  # fmt: skip
@click.option(
    "--checksums", is_flag=True, help="Pass over segments with a wrong TCP checksum, as Zeek does by default."
)
def command(
    files: tuple[str, ...], as_json: bool, table_only: bool, stream: int | None, html: Path | None,
    states: tuple[str, ...], names: tuple[str, ...], hosts: tuple[str, ...], ports: tuple[int, ...], severity: str,
    sort: str, limit: int | None, clients: tuple[str, ...], results_dir: Path | None, failures: tuple[str, ...],
    follow: bool, max_memory: int, checksums: bool,
) -> None:  # fmt: skip
    """How every TCP connection in a capture ended, who ended it, most likely why, and what clients report for it.

    FILE is a pcap or pcapng file, also compressed by gzip or zstd, or - for standard input. Several are read as one, in
    the order of their times.

    Exit status: 0 all was read as far as it goes, 1 --fail-on found something, 2 nothing could be read, or bad input.
    """
    chosen = make_filter(states, names, hosts, ports, severity)
    _check_together(as_json, table_only, stream is not None, html is not None, chosen != Filter(), bool(clients))
    make_failure(failures)
    matrix = _matrix(clients, results_dir)
    inputs = Inputs(files, follow=follow)
    if follow:
        signal.signal(signal.SIGINT, lambda *_: inputs.stop())
    engine = Engine(max_memory * _MB, checksums=checksums)
    view: View
    if stream is not None:
        view = OneConnection(stream, matrix, asked=bool(clients))
    elif as_json:
        view = Lines(matrix)
    else:
        shown = limit if limit is not None else 0 if table_only else _SHORT
        everything = table_only or bool(failures) or chosen != Filter()
        view = Overview(sort, shown, matrix, everything=everything, table_only=table_only, html=html)
    gc.freeze()  # what was imported stays; and what is read lives long, has no cycles, and need not be searched often
    gc.set_threshold(_COLLECT)
    failed = False
    found = view.findings(inputs, engine)
    for finding in found if chosen == Filter() else filter(chosen.takes, found):
        failed = failed or (bool(failures) and fails(finding, failures))
        view.take(finding)
    for complaint in inputs.complaints:
        click.echo(plain_line(f"hangup: {complaint}"), err=True)
    if inputs.complaints and not engine.counts.frames:
        raise InputError("nothing could be read")
    view.done(engine)
    sys.exit(1 if failed else 0)


def _check_together(json: bool, table: bool, stream: bool, html: bool, filtered: bool, clients: bool) -> None:
    """Raises InputError for options of which one would do nothing beside the other."""
    if json + table + stream > 1:
        raise InputError("--json, --table and --stream exclude each other")
    if html and (json or stream):
        raise InputError("--html is a page of the whole: it excludes --json and --stream")
    if stream and filtered:
        raise InputError("--stream shows that one connection: it excludes --state, --cause, --host, --port, --severity")
    if clients and not (json or stream or html):
        raise InputError("--client goes with --json, --stream or --html: the summary and the table have no room for it")


def _matrix(clients: Sequence[str], results_dir: Path | None) -> Matrix | None:
    """What the published results have of these clients; None where none are asked for, for to read them takes longer
    than to read a small capture. Raises InputError for a glob that matches none."""
    if not clients:
        return None
    from hangup.diagnose.matching import Matrix
    from hangup.matrix import PLATFORMS
    from hangup.names import select

    results = sorted(read_results(results_dir), key=lambda r: PLATFORMS.index(r.platform))
    chosen = select("client", clients, sorted({r.client for r in results}))
    return Matrix.of([r for r in results if r.client in chosen])


def _reports(matrix: Matrix | None, finding: Finding) -> list[Report]:
    return matrix.reports(finding.scenarios) if matrix is not None else []


def _print_notes(engine: Engine) -> None:
    """What was passed over, where no summary tells it."""
    from hangup.cli.diagnosis import notes

    for note in notes(engine.counts, engine.cases.evicted):
        click.echo(f"hangup: {note}", err=True)


class View(Protocol):
    """Takes findings as they come."""

    def findings(self, inputs: Inputs, engine: Engine) -> Iterator[Outline]:
        """Those that it needs to see."""

    def take(self, finding: Outline) -> None:
        """One more."""

    def done(self, engine: Engine) -> None:
        """That was all."""


class Lines:
    """JSON lines."""

    def __init__(self, matrix: Matrix | None) -> None:
        self._matrix = matrix

    def findings(self, inputs: Inputs, engine: Engine) -> Iterator[Finding]:
        """All."""
        return findings(inputs, engine)

    def take(self, finding: Outline) -> None:
        """Print it."""
        assert isinstance(finding, Finding)
        told = record(finding, _reports(self._matrix, finding))
        click.echo(plain(json.dumps(told, ensure_ascii=False)))

    def done(self, engine: Engine) -> None:
        """Nothing follows; what was passed over is said on standard error."""
        _print_notes(engine)


class Overview:
    """The summary, and the table of those that come first in its order; of the others only the numbers are kept.

    Where nobody asks for those that lost nothing, they are counted only, which is much quicker.
    """

    def __init__(
        self,
        sort: str,
        limit: int,
        matrix: Matrix | None,
        *,
        everything: bool,
        table_only: bool,
        html: Path | None,
    ) -> None:
        """``everything``: somebody asks for those that lost nothing, too."""
        self._key, self._limit, self._matrix = SORTS[sort], limit, matrix
        self._everything, self._table_only, self._html = everything, table_only, html
        self._summary = Summary()
        self._first: list[Outline] = []
        self._last: tuple[object, ...] | None = None
        """The key of the last that may still be shown, once there are more than that."""

    def findings(self, inputs: Inputs, engine: Engine) -> Iterator[Outline]:
        """All, or those of trouble."""
        if self._everything:
            return findings(inputs, engine)
        found = troubled(inputs, engine, self._summary.add_counted, full=self._html is not None)
        # what prints takes long to import: a large capture is read meanwhile
        importlib.import_module("hangup.cli.diagnosis")
        return found

    def take(self, finding: Outline) -> None:
        """Count it, and keep it as long as it may be among the first."""
        self._summary.add(finding)
        if finding.severity in (Severity.NONE, Severity.LOW) and not self._everything:
            return
        if self._last is not None and self._key(finding) > self._last:
            return
        self._first.append(finding)
        if self._limit and len(self._first) >= 2 * max(self._limit, _PAGE):
            self._first = heapq.nsmallest(max(self._limit, _PAGE), self._first, key=self._key)
            self._last = self._key(self._first[-1])

    def done(self, engine: Engine) -> None:
        """Print them."""
        from hangup.cli.console import make_console
        from hangup.cli.diagnosis import print_summary, print_table

        console = make_console(_PIPED)
        first = sorted(self._first, key=self._key)
        if self._table_only:
            _print_notes(engine)
        else:
            print_summary(console, self._summary, engine.counts, engine.cases.evicted)
        shown = first[: self._limit] if self._limit else first
        if shown:
            print_table(console, shown, self._summary.connections - len(shown))
        if self._html is not None:
            from hangup.diagnose.page import page
            from hangup.store.files import write_text

            pictured = [
                (finding, _reports(self._matrix, finding)) for finding in first[:_PAGE] if isinstance(finding, Finding)
            ]
            write_text(self._html, page(self._summary, engine.counts, pictured))


class OneConnection:
    """One connection in full."""

    def __init__(self, stream: int, matrix: Matrix | None, *, asked: bool) -> None:
        self._stream, self._matrix, self._asked = stream, matrix, asked
        self._segments: list[Segment] = []
        self._finding: Finding | None = None

    def findings(self, inputs: Inputs, engine: Engine) -> Iterator[Finding]:
        """All, since one may explain another."""
        return findings(inputs, engine, self._watch)

    def _watch(self, frame: Frame, case: Case) -> None:
        if case.number == self._stream and isinstance(segment := decode(frame), Segment):
            self._segments.append(segment)

    def take(self, finding: Outline) -> None:
        """Keep it."""
        if finding.stream == self._stream and isinstance(finding, Finding):
            self._finding = finding

    def done(self, engine: Engine) -> None:
        """Print it. Raises InputError where there is none of that number."""
        _print_notes(engine)
        if self._finding is None:
            raise InputError(f"--stream {self._stream}: there are {engine.cases.seen} connections, counted from 0")
        from hangup.cli.connection import print_connection
        from hangup.cli.console import make_console

        reports = _reports(self._matrix, self._finding)
        print_connection(make_console(), self._finding, self._segments, reports, asked=self._asked)
