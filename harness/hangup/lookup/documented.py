"""Errors that are known and not measured: of programs that the matrix lacks, each with the document that says so."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hangup.errors import InputError
from hangup.judge import Outcome
from hangup.lookup.index import Heard
from hangup.lookup.moment import Moment
from hangup.reading import complaint, read_toml

DOCUMENTED_FILE = Path(__file__).with_name("documented.toml")


class Documented(BaseModel):
    """What a program says of an ending, by its documentation or its source."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    who: str
    says: tuple[str, ...] = Field(min_length=1)
    source: str = Field(pattern="^https://")
    outcome: Outcome
    """What the application is told."""
    explained_by: tuple[Outcome, ...] = ()
    """Whose scenarios explain it, where that is not its own outcome alone."""
    moments: tuple[Moment, ...] = ()
    """When the connection ends; at any time where nothing is said."""

    def explains(self, cell: Heard, moment: str) -> bool:
        """Whether a measured cell shows what would make the program say this: the client says what is so."""
        return (
            cell.faithful is True
            and cell.outcome in (self.explained_by or (self.outcome,))
            and (not self.moments or moment in self.moments)
        )


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
