"""How a run is shown while it goes: a live bar on a terminal, plain lines elsewhere. Always on standard error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from hangup.cli.console import PlainConsole
from hangup.conduct.plan import CellId
from hangup.conduct.run import Progress as RunProgress

_LINE_SECONDS = 5.0


@contextmanager
def make_progress() -> Iterator[RunProgress]:
    """The progress display that fits standard error."""
    console = PlainConsole(stderr=True)
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield Bar(bar)


class Bar:
    """A live bar."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("preparing", total=None)

    def note(self, text: str) -> None:
        """A line above the bar."""
        self._bar.console.print(text, soft_wrap=True, markup=False)

    def building(self, title: str) -> None:
        """An agent is being built."""
        self._bar.update(self._task, description=f"building the {title} agent")

    def planned(self, trials: int) -> None:
        """So many trials are to be played."""
        self._bar.update(self._task, total=trials, description="trials")

    def played(self, cell: CellId) -> None:
        """One more."""
        self._bar.update(self._task, advance=1, description=f"{cell.client} {cell.scenario}"[:48].ljust(48))


class Lines:
    """A line every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = self._done = 0
        self._last = time.monotonic()

    def note(self, text: str) -> None:
        """A line."""
        self._console.print(text, soft_wrap=True, markup=False, highlight=False)

    def building(self, title: str) -> None:
        """An agent is being built."""
        self.note(f"building the {title} agent")

    def planned(self, trials: int) -> None:
        """So many trials are to be played."""
        self._total = trials
        self.note(f"{trials} trials")

    def played(self, cell: CellId) -> None:
        """One more."""
        self._done += 1
        now = time.monotonic()
        if now - self._last >= _LINE_SECONDS:
            self._last = now
            self.note(f"{self._done} of {self._total} trials, last {cell.client} {cell.scenario}")
