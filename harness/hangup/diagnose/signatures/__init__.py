"""Signatures: one small function a cause, from facts to a hypothesis, or None where it does not fit.

A signature knows its own cause only. What makes it more or less likely than another is in its confidence:

    0.9 and more   the packets leave no room for anything else
    0.7 to 0.9     what is usually behind such packets
    0.4 to 0.7     one of two or three; equal numbers where the bytes are the same
    below 0.4      possible; said so that it is not forgotten

| module | causes of |
| --- | --- |
| `connecting` | an end before the connection was there |
| `closing` | FIN, and waiting |
| `resetting` | RSTs that a side sent |
| `between` | RSTs that a third party sent |
| `timing` | timers |
"""

from __future__ import annotations

from hangup.diagnose.signatures import between, closing, connecting, resetting, timing
from hangup.diagnose.signatures.base import Signature

SIGNATURES: dict[str, Signature] = {
    **connecting.SIGNATURES,
    **closing.SIGNATURES,
    **resetting.SIGNATURES,
    **between.SIGNATURES,
    **timing.SIGNATURES,
}
"""By the id of their cause."""

__all__ = ["SIGNATURES", "Signature"]
