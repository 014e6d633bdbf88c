"""Errors that are known and not measured: of programs that the matrix lacks, each with the document that says so.

They stand in ``documented/``, a file for each kind of program. Nothing in them comes from a run of ours, and an answer
shows them as documented.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hangup.errors import InputError
from hangup.judge.ending import Ending
from hangup.lookup.index import Heard, Place
from hangup.lookup.moment import Moment
from hangup.outcome import ActedOn, Outcome
from hangup.reading import complaint, read_toml

DOCUMENTED = Path(__file__).with_name("documented")
LIKELY = (
    Moment.RESPONSE, Moment.IDLE, Moment.BODY, Moment.REQUEST, Moment.HEAD, Moment.READ, Moment.WRITE,
    Moment.CONNECTING, Moment.HANDSHAKE, Moment.COMPLETE,
)  # fmt: skip
"""In which order moments are told of where an entry names none: what most who paste an error are in comes first."""
Frame = Literal["rst-stream", "goaway"]
"""HTTP/2's own endings."""
HTTP2 = "h2-"
"""With this begin the scenarios of HTTP/2, whose frames end streams and not connections."""


class Documented(BaseModel):
    """What a program says of an ending, by its documentation or its source."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    who: str = Field(min_length=1)
    """The program that says it."""
    says: tuple[str, ...] = Field(min_length=1)
    """Its words, as they are logged; volatile parts are masked, as in all texts. A number of an operating system is
    ``errno 104``."""
    means: str = Field(min_length=1)
    """What had happened on the wire, who probably ended it, and what would be mistaken for it."""
    source: str = Field(pattern="^(https://|RFC [0-9]+ )")
    """The page or the source file that says so and was read for this entry, or the section of a standard."""
    outcome: Outcome | None = None
    """What the application is told; nothing where ``endings`` says that nothing happened."""
    endings: tuple[Ending | Frame, ...] | None = None
    """What alone can have happened on the wire. An empty list: nothing did, because no connection was tried, because
    the program closed its own, or because the text tells of a state."""
    acted_on: ActedOn = ActedOn.MAYBE
    """``no`` only where nothing of the request can have left in any way to this text, an attempt of the client's before
    this one included, or where the protocol says so. Then alone a retry is called safe."""
    anywhere: bool = False
    """Whether the words say this wherever they stand in a line, as a field of a log does. Otherwise they have to be all
    of a line, but for a log's prefix, for a retry to be called safe."""
    explained_by: tuple[Outcome, ...] = ()
    """Whose scenarios explain it, where that is not its own outcome alone; the likeliest first."""
    moments: tuple[Moment, ...] = ()
    """When the connection ends, the likeliest first; at any time where nothing is said."""
    scenarios: tuple[str, ...] = ()
    """Which scenarios alone may explain it, ``*`` for any letters, the likeliest first; where nothing is said, all but
    those of HTTP/2."""

    @model_validator(mode="after")
    def _something_or_nothing(self) -> Self:
        if (self.endings == ()) != (self.outcome is None):
            raise ValueError("give an outcome, or `endings = []` where nothing happened on the wire")
        return self

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Whose scenarios explain it."""
        return self.explained_by or (() if self.outcome is None else (self.outcome,))

    def explains(self, cell: Heard, place: Place) -> bool:
        """Whether a measured cell shows what would make the program say this: the client says what is so."""
        return (
            cell.faithful is True
            and cell.outcome in self.outcomes
            and (self.endings is None or cell.ending in self.endings)
            and (not self.moments or place.moment in self.moments)
            and self._may_be(place.id)
        )

    def likely(self, outcome: str, place: Place) -> tuple[int, int, int]:
        """How early it names this scenario, this outcome and this moment."""
        return (
            next((number for number, pattern in enumerate(self.scenarios) if fnmatchcase(place.id, pattern)), 0),
            self.outcomes.index(Outcome(outcome)),
            (self.moments or LIKELY).index(Moment(place.moment)),
        )

    def _may_be(self, scenario: str) -> bool:
        if not self.scenarios:
            return not scenario.startswith(HTTP2)
        return any(fnmatchcase(scenario, pattern) for pattern in self.scenarios)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    error: tuple[Documented, ...]


@lru_cache(maxsize=1)
def read_documented() -> tuple[Documented, ...]:
    """The entries that come with this version. Raises InputError that names the file and the place."""
    return tuple(entry for path in sorted(DOCUMENTED.glob("*.toml")) for entry in _read(path))


def _read(path: Path) -> tuple[Documented, ...]:
    try:
        return _File.model_validate(read_toml(path)).error
    except ValidationError as error:
        raise InputError(f"{path}: {complaint(error)}") from None
