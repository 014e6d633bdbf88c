"""hangup: what client stacks report when a TCP connection ends badly, measured, with the packets to prove it."""

__version__ = "0.1.0"
