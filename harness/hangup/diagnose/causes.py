"""What a cause is, and what a hypothesis of one: data only. The causes stand in `causes.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from hangup.wire import By

CAUSES_FILE = Path(__file__).with_name("causes.toml")
UNKNOWN = "unknown"

Culprit = By | Literal["third-party", "nobody"]
"""Who ended it: a side, somebody in between, or nobody that the capture shows."""


@dataclass(frozen=True)
class Cause:
    """Why a connection ended as it did."""

    title: str
    """One line: what happened."""
    means: str
    """What is behind it in production, and what to do."""
    confirm: str
    """What would prove it, or tell it apart from its neighbours: a command, a counter, another capture."""
    cites: tuple[str, ...]
    """Where its signature comes from."""


Value = int | float | str | bool


class Evidence(NamedTuple):
    """Something that the capture shows."""

    says: str
    packets: tuple[int, ...] = ()
    """Frame numbers."""
    fields: Mapping[str, Value] = MappingProxyType({})
    """The header fields, by Wireshark's names where it has one."""


class Hypothesis(NamedTuple):
    """One explanation, with what speaks for it."""

    cause: str
    by: Culprit
    confidence: float
    """Above 0 and at most 1."""
    evidence: tuple[Evidence, ...] = ()
    limits: tuple[str, ...] = ()
    """What this capture cannot tell."""


@lru_cache(maxsize=1)
def causes() -> dict[str, Cause]:
    """All causes by id, in the file's order."""
    table = tomllib.loads(CAUSES_FILE.read_text(encoding="utf-8"))
    return {name: Cause(**value | {"cites": tuple(value["cites"])}) for name, value in table.items()}
