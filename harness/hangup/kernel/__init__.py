"""The kernel's own reason for each RST that it sends, where it may be asked: by root, on Linux. Knows no trials."""

from hangup.kernel.resets import MEANINGS, NONE, KernelReset, Lost
from hangup.kernel.trace import KernelUnreadable, ResetTrace, tracing

__all__ = ["MEANINGS", "NONE", "KernelReset", "KernelUnreadable", "Lost", "ResetTrace", "tracing"]
