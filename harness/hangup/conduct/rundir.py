"""A run's own folder: its capture and every raw trial, one JSON object a line, written as they come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hangup.capture import LINKTYPE_ETHERNET, SNAP
from hangup.conduct.peer import LoggedConnection
from hangup.conduct.trial import Operation, Trial
from hangup.errors import StoreError
from hangup.wire import PcapWriter

CAPTURE, TRIALS = "capture.pcap", "trials.jsonl"


class RunFolder:
    """An open folder below ``runs/``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._capture = (path / CAPTURE).open("wb")
        self._trials = (path / TRIALS).open("w", encoding="utf-8")
        self.writer = PcapWriter(self._capture, LINKTYPE_ETHERNET, SNAP)

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

    def add(self, trial: Trial) -> None:
        """One trial, valid or not."""
        self._trials.write(json.dumps(_raw(trial)) + "\n")

    def close(self) -> None:
        """Everything is on the disk after this."""
        self._trials.close()
        self._capture.close()


def _raw(trial: Trial) -> dict[str, Any]:
    return {
        "client": trial.client,
        "scenario": trial.scenario,
        "name": trial.name,
        "port": trial.port,
        "started_ns": trial.started_ns,
        "ended_ns": trial.ended_ns,
        "closed_ns": trial.closed_ns,
        "invalid": trial.invalid,
        "operations": [
            {**vars(op), "reply": op.reply.model_dump(exclude_none=True) if op.reply else None}
            for op in trial.operations
        ],
        "evidence": [asdict(connection) for connection in trial.evidence],
        "log": [asdict(connection) for connection in trial.log],
    }


@dataclass(frozen=True)
class RawTrial:
    """What ``show`` needs of a trial: where its packets are, what the client's API gave, and what the peer did."""

    client: str
    scenario: str
    port: int
    started_ns: int
    ended_ns: int
    closed_ns: int | None
    invalid: str | None
    operations: tuple[Operation, ...]
    log: tuple[LoggedConnection, ...]


_RAW_TRIAL = TypeAdapter(RawTrial)


def raw_trials(run: Path) -> Iterator[RawTrial]:
    """The trials of a run's folder. Raises StoreError for a line that cannot be read."""
    path = run / TRIALS
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield _RAW_TRIAL.validate_json(line)
                except ValidationError:
                    raise StoreError(f"{path}: line {number}: cut short or damaged; run it again") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: cannot be read: {error}") from None
