"""How a run tells what it has left out: a line for each reason and client, not for each cell. Knows no lab."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hangup.conduct.plan import Skipped
from hangup.errors import InputError

NAMED = 3
"""So many scenarios of one client are named; of more, it is said how many."""


def skipped_lines(everything: Iterable[Skipped]) -> Iterator[str]:
    """``what: why``, in the order in which each client and reason came first.

    What a lab cannot play, or a machine cannot run at all, is named to the last.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for skipped in everything:
        client, _, scenario = skipped.what.rpartition(" ")
        groups.setdefault((client, skipped.reason), []).append(scenario)
    for (client, reason), names in groups.items():
        which = f"{len(names)} scenarios" if client and len(names) > NAMED else ", ".join(names)
        yield f"{client} ({which}): {reason}" if client else f"{which}: {reason}"


def nothing_to_run(skipped: Iterable[Skipped]) -> InputError:
    """The error where all that was asked for is left out: it says why."""
    return InputError("nothing can be run:" + "".join(f"\n  {line}" for line in skipped_lines(skipped)))
