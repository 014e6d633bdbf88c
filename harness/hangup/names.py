"""Choosing clients and scenarios by name or glob, with the nearest names where nothing matches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from hangup.errors import InputError


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Up to ``limit`` known names that look like ``name``, best first."""
    from rapidfuzz import fuzz, process  # only a mistake needs it

    found = process.extract(name, list(known), scorer=fuzz.WRatio, limit=limit, score_cutoff=55)
    return [match for match, _score, _index in found]


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """The error for a name that is not there: it suggests the nearest ones and says where all are listed."""
    close = nearest(name, known)
    hint = f"did you mean {', '.join(close)}?" if close else f"`hangup list {kind}s` shows all of them"
    return InputError(f"no {kind} named {name!r}: {hint}")


def select(kind: str, patterns: Sequence[str], known: Sequence[str]) -> list[str]:
    """The known names that match any of the globs (all where there are none), in their own order.

    Raises InputError for a glob that matches nothing.
    """
    if not patterns:
        return list(known)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise unknown(kind, pattern, known)
    return [name for name in known if any(fnmatchcase(name, pattern) for pattern in patterns)]
