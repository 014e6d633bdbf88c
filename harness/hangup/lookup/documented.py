"""Errors that are known and not measured: of programs that the matrix lacks, each with the document that says so."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hangup.errors import InputError
from hangup.judge import Outcome
from hangup.reading import complaint, read_toml

DOCUMENTED_FILE = Path(__file__).with_name("documented.toml")


class Documented(BaseModel):
    """What a program says of an ending, by its documentation or its source."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    who: str
    says: tuple[str, ...] = Field(min_length=1)
    source: str = Field(pattern="^https://")
    ending: str
    outcome: Outcome
    where: tuple[str, ...] = Field(min_length=1)
    """Globs: the scenarios that make it say so. Each must match one at least."""

    def scenarios(self, known: Sequence[str]) -> list[str]:
        """The scenarios, in the catalogue's order."""
        return [name for name in known if any(fnmatchcase(name, glob) for glob in self.where)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    error: tuple[Documented, ...]


@lru_cache(maxsize=1)
def read_documented() -> tuple[Documented, ...]:
    """The entries that come with this version. Raises InputError that names the file and the place."""
    try:
        return _File.model_validate(read_toml(DOCUMENTED_FILE)).error
    except ValidationError as error:
        raise InputError(f"{DOCUMENTED_FILE}: {complaint(error)}") from None
