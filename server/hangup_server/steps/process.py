"""The steps that end the process that owns the connection, and leave the connection to its kernel."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import ClassVar

from hangup_server.steps.step import Step


class ProcessStep(Step):
    """A signal for the process that owns the connection; done when that process has been reaped."""

    signal: ClassVar[signal.Signals]


@dataclass(frozen=True)
class Kill(ProcessStep):
    """SIGKILL: the kernel closes the connection by the rules of close(2)."""

    name: ClassVar[str] = "kill"
    signal: ClassVar[signal.Signals] = signal.SIGKILL


@dataclass(frozen=True)
class Interrupt(ProcessStep):
    """SIGINT with its default action, as Ctrl+C does to a server that does not handle it."""

    name: ClassVar[str] = "interrupt"
    signal: ClassVar[signal.Signals] = signal.SIGINT


@dataclass(frozen=True)
class Terminate(ProcessStep):
    """SIGTERM, which the process handles as a tidy server does: it closes the connection and exits."""

    name: ClassVar[str] = "terminate"
    signal: ClassVar[signal.Signals] = signal.SIGTERM
