"""The outcomes: the classes that everything a client can be told falls into. How it does is the judge's business."""

from __future__ import annotations

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
    HANG = "hang"
    UNMAPPED = "unmapped"


class ActedOn(StrEnum):
    """Whether the last request was acted on."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"
