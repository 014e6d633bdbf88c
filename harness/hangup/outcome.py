"""The words of a verdict: the classes that everything a client can be told falls into, and whether its request was
acted on. How they are found is the judge's business."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Outcome(StrEnum):
    """What the application is told."""

    SUCCESS = "success"
    RESET = "reset"
    BROKEN_PIPE = "broken-pipe"
    EOF = "eof"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    ABORTED = "aborted"
    TIMEOUT = "timeout"
    TLS = "tls"
    PROTOCOL = "protocol"
    SILENT_TRUNCATION = "silent-truncation"
    WRONG_ANSWER = "wrong-answer"
    HANG = "hang"
    UNSPECIFIC = "unspecific"
    UNMAPPED = "unmapped"


class ActedOn(StrEnum):
    """Whether the peer acted on the last request. A retry is safe after ``no`` alone."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


def worst(found: Iterable[ActedOn | None]) -> ActedOn | None:
    """Of trials, or of attempts, that differ: what is the worst for a retry. None of none."""
    known = set(found)
    return next((each for each in (ActedOn.YES, ActedOn.MAYBE, ActedOn.NO) if each in known), None)
