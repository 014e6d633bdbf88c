"""A run's own folder: its capture and every raw trial, one JSON object a line, written as they come.

Beside them are the keys of the peer's TLS sessions, which Wireshark and tshark need to decrypt the capture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from hangup.capture import LINKTYPE_ETHERNET, SNAP
from hangup.conduct.trial import Trial
from hangup.errors import StoreError
from hangup.wire import CaptureError, Frame, IcmpError, PcapWriter, Segment, decode, read_capture

CAPTURE, TRIALS, KEYS = "capture.pcap", "trials.jsonl", "tls-keys.txt"
_TRIAL = TypeAdapter(Trial)


class RunFolder:
    """An open folder below ``runs/``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._capture = (path / CAPTURE).open("wb")
        self._trials = (path / TRIALS).open("w", encoding="utf-8")
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

    def close(self) -> None:
        """Everything is on the disk after this. Raises StoreError where it is not."""
        failure: OSError | None = None
        for file in (self._trials, self._capture):
            try:
                file.close()
            except OSError as error:
                failure = error
        if failure is not None:
            raise self._full(failure)

    def _full(self, error: OSError) -> StoreError:
        return StoreError(f"{self.path}: cannot be written: {error.strerror}; nothing was published")


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
