"""The index: what every client was heard to say, cut into fragments, with the weight of each. One JSON file, of which
the browser loads the same bytes.

It is made by ``hangup.lookup.build``. Reading it must be quick, so it is arrays and numbers, checked by its version
alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hangup.errors import StoreError
from hangup.lookup.mask import Masks

VERSION = 3
FILE = "lookup.json"
FRAME, WORD, ERROR, SYSTEM, FIELD = 0, 1, 2, 3, 4
"""Kinds of fragments: a line around an error, such as a stack frame; an error in one or two plain words; an error by
its class, its code or a sentence; the operating system's words for it, which most clients pass on; words that say the
same wherever they stand in a line, such as a field of a log."""
ABOUT = "Made by `hangup table --write` for `hangup lookup` and the site. Do not edit."


class Speaker(NamedTuple):
    """Who says a text: a client that was measured, or a program that is known by its documentation."""

    name: str
    source: str | None
    """Where it is documented that it says so; None where it was measured."""
    means: str | None
    """What that document makes of it: one speaker for each documented error."""
    repeats: bool = True
    """Whether it was measured to send a request again by itself: then an earlier attempt may have been acted on."""


class Place(NamedTuple):
    """A scenario, as far as an answer tells of it."""

    id: str
    title: str
    moment: str
    teaches: str


class Heard(NamedTuple):
    """One cell: a speaker in a scenario; or, without one, a documented text of which nothing happened on the wire."""

    speaker: int
    scenario: int | None
    ending: str
    """What the peer or the network did; empty where nothing happened."""
    outcome: str
    faithful: bool | None
    acted_on: str | None
    """Whether the request was acted on: an ``ActedOn``, the worst of all trials of the cell. None where no request was
    made, or it is not known."""
    tries: int
    """Connections or requests that the client made, by itself or not."""


class Fragment(NamedTuple):
    """Words that are matched as a whole."""

    words: str
    weight: int
    """How telling it is: the fewer say it, the more."""
    kind: int


class Text(NamedTuple):
    """One text that was heard."""

    shown: str
    lines: Sequence[int]
    """The fragments that are whole lines of it."""
    parts: Sequence[int]
    """Those that are parts of its lines: clauses, class names, codes."""
    cells: Sequence[int]


@dataclass(frozen=True)
class Index:
    """Everything that an answer is made of. Numbers in it are places in its own tuples."""

    masks: Masks
    speakers: tuple[Speaker, ...]
    scenarios: tuple[Place, ...]
    cells: tuple[Heard, ...]
    fragments: tuple[Fragment, ...]
    texts: tuple[Text, ...]


def dump(index: Index) -> str:
    """The file's text, compact, an element a line: the same results give the same bytes."""
    table: dict[str, Any] = {"version": VERSION, "about": ABOUT, **asdict(index)}
    parts = []
    for key, value in table.items():
        if isinstance(value, list | tuple):
            rows = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in value)
            parts.append(f'"{key}":[\n{rows}\n]')
        else:
            parts.append(f'"{key}":{json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def load(path: Path) -> Index:
    """Read an index. Raises StoreError that says what is wrong with it."""
    remedy = "`hangup table --write` makes it anew"
    try:
        table = json.loads(path.read_bytes())
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}; {remedy}") from None
    except (ValueError, RecursionError):
        raise StoreError(f"{path}: cut short or not JSON; {remedy}") from None
    if not isinstance(table, dict) or table.get("version") != VERSION:
        raise StoreError(f"{path}: not a lookup index of version {VERSION}; {remedy}")
    try:
        return Index(
            masks=[(pattern, replacement) for pattern, replacement in table["masks"]],
            speakers=tuple(Speaker(*row) for row in table["speakers"]),
            scenarios=tuple(Place(*row) for row in table["scenarios"]),
            cells=tuple(Heard(*row) for row in table["cells"]),
            fragments=tuple(Fragment(*row) for row in table["fragments"]),
            texts=tuple(Text(*row) for row in table["texts"]),
        )
    except (KeyError, TypeError, ValueError):
        raise StoreError(f"{path}: damaged; {remedy}") from None
