"""Running a matrix: agents built and started, every trial of every cell played, invalid ones repeated.

Trials run side by side: ``jobs`` at work at a time, and beside them those whose ending is the passing of time.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hangup.agents.build import Build
from hangup.agents.manifest import Manifest
from hangup.agents.protocol import ClientInfo, Hello
from hangup.catalogue import Scenario
from hangup.conduct.conductor import Conductor
from hangup.conduct.observer import Observer
from hangup.conduct.peer import Peer
from hangup.conduct.plan import CellId, Skipped, plan
from hangup.conduct.pool import AgentPool
from hangup.conduct.rundir import KEYS, RunFolder
from hangup.conduct.trial import Trial
from hangup.errors import AgentFault, BuildError
from hangup.kernel import tracing
from hangup.labs import Lab, LabName
from hangup.store.kernel import KernelRecorder
from hangup.store.normalise import Normaliser
from hangup.store.record import CellRecorder
from hangup.wire import Frame

_OWN = re.compile(r"\d+|(?<= \()[^()]*(?=\))")
"""Numbers, and what stands in brackets, as a connection's history does."""
REPEATS = 3
"""How often a trial is repeated whose evidence does not match its scenario."""
LATE_REPEATS = 5
"""How often a trial is repeated for which the machine was too busy."""
LATE_PAUSE_SECONDS = 4.0
"""How long it is left alone before that, and twice as long each further time: a run is busiest at its start."""
WAITING = 1024
"""How many trials may wait side by side for time to pass."""


class Progress(Protocol):
    """Who is told how the run goes."""

    def note(self, text: str) -> None:
        """Something worth a line."""

    def building(self, title: str) -> None:
        """An agent is being built, which may take a while."""

    def planned(self, trials: int) -> None:
        """So many trials are to be played."""

    def played(self, cell: CellId) -> None:
        """One of them is done."""


@dataclass
class RunResult:
    """What a run gave."""

    lab: LabName
    proved: bool
    cells: dict[CellId, CellRecorder]
    hellos: dict[str, Hello]
    """By language."""
    skipped: list[Skipped]
    kernel: KernelRecorder = field(default_factory=KernelRecorder)
    """Why the kernel sent each scenario's RST, as far as it could be asked."""
    trials: int = 0
    repeats: Counter[str] = field(default_factory=Counter)
    """Why trials were repeated, by kind; each one that is invalid stands in the run's folder with its own reason."""
    seconds: float = 0.0
    """From the start of the agents to their end."""
    playing: float = 0.0
    """Seconds of these in which trials were played."""
    late: set[CellId] = field(default_factory=set)
    """Those of the cells without a valid result for which the machine was too busy."""
    packets: int = 0
    dropped: int = 0
    folder: Path | None = None

    @property
    def repeated(self) -> int:
        """How many trials were repeated."""
        return self.repeats.total()

    def repeat(self, reason: str) -> None:
        """One more trial is repeated. Of several reasons the first counts, without the numbers of its own."""
        self.repeats[_OWN.sub("…", reason.partition("; ")[0])] += 1

    @property
    def clients(self) -> dict[str, ClientInfo]:
        """Every client that a started agent hosts."""
        return {name: info for hello in self.hellos.values() for name, info in hello.clients.items()}

    @property
    def failed(self) -> list[tuple[CellId, str]]:
        """Cells without a valid result, with the reason."""
        return [(c, r.invalid or r.fault or "") for c, r in self.cells.items() if r.invalid or r.fault]


async def furnish(lab: Lab, scenarios: Mapping[str, Scenario], progress: Progress) -> None:
    """Have what the lab has for some scenarios only; what cannot be had is told."""
    for lacking in await lab.furnish({need for scenario in scenarios.values() for need in scenario.needs}):
        progress.note(lacking)


async def build_agents(
    lab: Lab, manifests: Mapping[str, Manifest], progress: Progress
) -> tuple[dict[str, Build], list[Skipped]]:
    """Every agent that can be built here, and why the others cannot."""
    builds: dict[str, Build] = {}
    skipped = []
    for language, manifest in manifests.items():
        try:
            builds[language] = await lab.prepare(manifest, progress.building)
        except BuildError as error:
            skipped.append(Skipped(f"{language}/*", str(error)))
            progress.note(f"skipped {language}/*: {error}")
    return builds, skipped


@asynccontextmanager
async def conducting(lab: Lab, keep: Callable[[Frame], None], keys: Path | None = None) -> AsyncIterator[Conductor]:
    """A conductor with its peer and, where the lab captures, its observer. ``keep`` is given each trial's packets.

    ``keys``: the file for the keys of the peer's TLS sessions.
    """
    peer = await Peer.start(lab, keys)
    try:
        with tracing() as trace:
            observer = Observer(lab.capture, keep, trace) if lab.capture else None
            try:
                yield Conductor(lab, peer, observer)
            finally:
                if observer is not None:
                    observer.close()
    finally:
        await peer.stop()


async def run_matrix(
    lab: Lab, builds: dict[str, Build], clients: Sequence[str], scenarios: Mapping[str, Scenario], *,
    trials: int, jobs: int, folder: RunFolder, progress: Progress,
    accept: Acceptance | None = None,
) -> RunResult:  # fmt: skip
    """Play ``trials`` trials of every cell that the lab, as it is furnished, can play.

    ``clients`` are names; those of languages without a build are left out.
    """
    pool = AgentPool(lab, builds)
    started = time.monotonic()
    try:
        hellos, skipped = await pool.start(progress.note)
        known = {name: info for hello in hellos.values() for name, info in hello.clients.items()}
        chosen = {name: known[name] for name in clients if name in known}
        if accept is not None:
            accept(hellos)
        single = frozenset[str]().union(*(build.manifest.single for build in builds.values()))
        cells, left_out = plan(chosen, scenarios, lab.offers(), lab.name, single)
        result = RunResult(
            lab=lab.name, proved=lab.capture is not None, hellos=hellos, skipped=skipped + left_out,
            cells={cell: CellRecorder() for cell in cells}, folder=folder.path,
        )  # fmt: skip
        progress.planned(len(cells) * trials)
        async with conducting(lab, folder.keep, folder.path / KEYS) as conductor:
            began = time.monotonic()
            await _Runner(conductor, pool, scenarios, result, folder, progress, lab).play_all(trials, jobs)
            result.playing = time.monotonic() - began
    finally:
        await pool.stop()
    result.seconds = time.monotonic() - started
    if lab.capture is not None:
        result.packets, result.dropped = lab.capture.captured, lab.capture.dropped
    return result


class Acceptance(Protocol):
    """May refuse to go on, by raising, once it is known which versions would run."""

    def __call__(self, hellos: Mapping[str, Hello]) -> None: ...


class _Runner:
    """Plays all trials of a run."""

    def __init__(
        self, conductor: Conductor, pool: AgentPool, scenarios: Mapping[str, Scenario], result: RunResult,
        folder: RunFolder, progress: Progress, lab: Lab,
    ) -> None:  # fmt: skip
        self._conductor, self._pool, self._scenarios = conductor, pool, scenarios
        self._result, self._folder, self._progress = result, folder, progress
        self._hosts = (
            {lab.host: "PEER", lab.client_host: "CLIENT"} if lab.host != lab.client_host else {lab.host: "HOST"}
        )
        self._hosts |= dict.fromkeys(lab.targets.values(), "PEER")

    async def play_all(self, trials: int, jobs: int) -> None:
        """All of them, in rounds over the cells, so that the agents share the work evenly.

        Those that wait begin a few at a time, as the others do, those with the longest patience first.
        """
        rounds = [(cell, number) for number in range(1, trials + 1) for cell in self._result.cells]
        working = deque(one for one in rounds if not self._scenarios[one[0].scenario].waits)
        waiting = [one for one in rounds if self._scenarios[one[0].scenario].waits]
        waiting.sort(key=lambda one: -self._scenarios[one[0].scenario].deadline)
        beginning, room = asyncio.Semaphore(jobs), asyncio.Semaphore(WAITING)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(jobs, len(working))):
                    group.create_task(self._work(working))
                for cell, number in waiting:
                    await room.acquire()
                    await beginning.acquire()
                    group.create_task(self._wait(cell, number, beginning, room))
        except BaseExceptionGroup as failures:  # one cause is enough; the others are of the same kind
            raise failures.exceptions[0] from None

    async def _work(self, queue: deque[tuple[CellId, int]]) -> None:
        while queue:
            cell, number = queue.popleft()
            await self._play(cell, number)
            self._progress.played(cell)

    async def _wait(self, cell: CellId, number: int, beginning: asyncio.Semaphore, room: asyncio.Semaphore) -> None:
        """A trial that waits: it takes part of the work until it does, and room until its end."""
        with ExitStack() as begun:
            begun.callback(beginning.release)
            await self._play(cell, number, begun.close)
        room.release()
        self._progress.played(cell)

    async def _play(self, cell: CellId, number: int, waiting: Callable[[], None] = lambda: None) -> None:
        """One trial of a cell: repeated where its evidence does not match, or once where its agent failed.

        Those for which the machine was too busy are repeated too, and counted apart.
        """
        recorder = self._result.cells[cell]
        wrong = late = 0
        while wrong <= REPEATS and late <= LATE_REPEATS:
            if recorder.fault is not None or recorder.invalid is not None:
                return  # the cell has no result, whatever further trials would show
            name = f"{cell.client}:{cell.scenario}:{number}.{wrong + late}"
            try:
                trial = await self._attempt(cell, name, waiting)
            except AgentFault as fault:
                recorder.fault = str(fault)
                return
            self._folder.add(trial)
            self._result.trials += 1
            if trial.invalid is None:
                recorder.add(trial, self._normaliser(trial))
                self._result.kernel.add(trial, self._scenarios[cell.scenario])
                return
            wrong += not trial.late
            if trial.late and late < LATE_REPEATS:
                await asyncio.sleep(LATE_PAUSE_SECONDS * 2**late)
            late += trial.late
            if wrong <= REPEATS and late <= LATE_REPEATS:
                self._result.repeat(trial.invalid)
        recorder.invalid = trial.invalid
        if trial.late:
            self._result.late.add(cell)

    async def _attempt(self, cell: CellId, name: str, waiting: Callable[[], None]) -> Trial:
        language = cell.client.partition("/")[0]
        scenario = self._scenarios[cell.scenario]
        try:
            agent = await self._pool.get(language)
            return await self._conductor.play(agent, cell.client, scenario, name, waiting=waiting)
        except AgentFault as fault:
            self._result.repeat(str(fault))
            self._progress.note(f"{cell.client} {cell.scenario}: {fault}; once more on an agent of its own")
        async with self._pool.fresh(language) as agent:
            return await self._conductor.play(agent, cell.client, scenario, name + "r", waiting=waiting)

    def _normaliser(self, trial: Trial) -> Normaliser:
        build = self._pool.builds[trial.client.partition("/")[0]]
        ports = {*trial.ports, *(connection.remote for connection in trial.log)}
        # a peer in a container of its own has an address of its own, and so may a trial's client have
        hosts = {trial.host: "PEER", trial.client_host: "CLIENT"} | self._hosts
        return Normaliser(hosts=hosts, port=trial.port, ports=ports, folder=build.folder)
