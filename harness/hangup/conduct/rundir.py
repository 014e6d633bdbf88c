"""A run's own folder: its capture and every raw trial, one JSON object a line, written as they come.

Beside them are the keys of the peer's TLS sessions, which Wireshark and tshark need to decrypt the capture.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from hangup.capture import LINKTYPE_ETHERNET, SNAP
from hangup.conduct.trial import Trial
from hangup.errors import StoreError
from hangup.wire import CaptureError, Frame, IcmpError, PcapWriter, Segment, decode, read_capture

if sys.platform != "win32":
    import fcntl

CAPTURE, TRIALS, KEYS = "capture.pcap", "trials.jsonl", "tls-keys.txt"
_TRIAL = TypeAdapter(Trial)


class RunFolder:
    """An open folder below ``runs/``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._capture = (path / CAPTURE).open("wb")
        unlocked = path / f".{TRIALS}"
        self._trials = unlocked.open("w", encoding="utf-8")
        _lock(self._trials.fileno())
        unlocked.rename(path / TRIALS)  # whoever sees it, sees it locked
        self._packets = PcapWriter(self._capture, LINKTYPE_ETHERNET, SNAP)
        self._failure: OSError | None = None

    @classmethod
    def create(cls, root: Path) -> RunFolder:
        """A new folder named for the time (UTC). Raises StoreError where it cannot be made."""
        name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        try:
            for suffix in ("", *(f"-{n}" for n in range(2, 100))):
                path = root / (name + suffix)
                try:
                    path.mkdir(parents=True)
                except FileExistsError:
                    continue
                return cls(path)
        except OSError as error:
            raise StoreError(f"{root}: cannot be written: {error.strerror}") from None
        raise StoreError(f"{root}: too many runs named {name}")

    def keep(self, frame: Frame) -> None:
        """One packet. A disk that is full is told of by the next ``add``: the event loop's callbacks have no caller."""
        try:
            self._packets.write_frame(frame)
        except OSError as error:
            self._failure = self._failure or error

    def add(self, trial: Trial) -> None:
        """One trial, valid or not. Raises StoreError where the folder cannot take more."""
        try:
            if self._failure is not None:
                raise self._failure
            self._trials.write(_TRIAL.dump_json(trial).decode() + "\n")
        except OSError as error:
            raise self._full(error) from None

    def flush(self) -> None:
        """Everything is on the disk after this. Raises StoreError where it is not."""
        self._each(lambda file: file.flush())

    def close(self) -> None:
        """The same, and from here on the folder may be removed by other runs."""
        self._each(lambda file: file.close())

    def _each(self, do: Callable[[IO[Any]], None]) -> None:
        failure: OSError | None = None
        for file in (self._capture, self._trials):
            try:
                do(file)
            except OSError as error:
                failure = error
        if failure is not None:
            raise self._full(failure)

    def _full(self, error: OSError) -> StoreError:
        return StoreError(f"{self.path}: cannot be written: {error.strerror}; nothing was published")


def _lock(descriptor: int) -> bool:
    """Hold the file until it is closed, or its process ends; whether nobody else holds it."""
    if sys.platform == "win32":
        return True  # who has it open there, has it alone
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


_NAME = re.compile(r"(\d{8}T\d{6}Z)(?:-(\d+))?")
_CONTENTS = {CAPTURE, TRIALS, "data"}


@dataclass(frozen=True)
class Removed:
    """Runs that were removed, by folder, and what they took on the disk."""

    folders: list[Path]
    bytes: int


def remove_old_runs(root: Path, keep: int) -> Removed:
    """Remove the runs below ``root`` but for the ``keep`` newest that are complete.

    What a run is still written to is left alone, and so is a folder that has another name or holds anything else.
    """
    folders: list[Path] = []
    size = complete = 0
    for run in reversed(_runs(root)):
        lock = _hold(run)
        if lock is None:
            continue
        complete += 1
        if complete > keep:
            taken = sum(path.lstat().st_size for path in run.rglob("*"))
            shutil.rmtree(run, ignore_errors=True)
            if not run.exists():
                folders.append(run)
                size += taken
        os.close(lock)
    return Removed(folders[::-1], size)


def _runs(root: Path) -> list[Path]:
    """Those of this program, the oldest first."""
    found = {}
    for path in root.iterdir() if root.is_dir() else ():
        name = _NAME.fullmatch(path.name)
        if name is None or path.is_symlink() or not path.is_dir():
            continue
        contents = {entry.name for entry in path.iterdir()}
        if TRIALS in contents and contents <= _CONTENTS:
            found[name[1], int(name[2] or 1)] = path
    return [found[key] for key in sorted(found)]


def _hold(run: Path) -> int | None:
    """Its lock; None where another process holds it, or it is not ours to take."""
    try:
        descriptor = os.open(run / TRIALS, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return None
    if _lock(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def raw_trials(run: Path) -> Iterator[Trial]:
    """The trials of a run's folder. Raises StoreError for a file or line that cannot be read."""
    path = run / TRIALS
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield _TRIAL.validate_json(line)
                except ValidationError:
                    raise StoreError(f"{path}: line {number}: cut short or damaged; run it again") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: not UTF-8 at byte {error.start}") from None


class Captured(NamedTuple):
    """One packet of a trial: what it is, and as it was captured."""

    packet: Segment | IcmpError
    frame: Frame


def trial_segments(run: Path, trial: Trial) -> list[Segment]:
    """A trial's segments from its run's capture. Raises StoreError where that cannot be read."""
    return [packet for packet in trial_packets(run, trial) if isinstance(packet, Segment)]


def trial_packets(run: Path, trial: Trial) -> list[Segment | IcmpError]:
    """A trial's segments, and the ICMP errors about them. Raises StoreError where the capture cannot be read."""
    return [captured.packet for captured in captured_packets(run, [trial])[trial.name]]


def captured_packets(run: Path, trials: Sequence[Trial]) -> dict[str, list[Captured]]:
    """The packets of several trials, by their names, from one reading of their run's capture.

    Raises StoreError where that cannot be read.
    """
    path = run / CAPTURE
    found: dict[str, list[Captured]] = {trial.name: [] for trial in trials}
    by_port: dict[int, list[Trial]] = {}
    for trial in trials:
        by_port.setdefault(trial.port, []).append(trial)
    begin, end = min((t.started_ns for t in trials), default=0), max((t.ended_ns for t in trials), default=0)
    try:
        with path.open("rb") as stream:
            for frame in read_capture(stream):
                packet = decode(frame) if begin <= frame.time_ns <= end else None
                if packet is None:
                    continue
                for port in {packet.flow.sport, packet.flow.dport}:
                    for trial in by_port.get(port, ()):
                        if trial.started_ns <= frame.time_ns <= trial.ended_ns:
                            found[trial.name].append(Captured(packet, frame))
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
    except CaptureError as error:  # a run that was cut short may have these trials all the same
        if not all(found.values()):
            raise StoreError(f"{path}: {error}") from None
    return found
