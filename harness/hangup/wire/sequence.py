"""Arithmetic on TCP sequence numbers, which wrap at 32 bits (RFC 9293 section 3.4)."""

from __future__ import annotations


def offset(seq: int, reference: int) -> int:
    """How far `seq` is ahead of `reference`, negative when it is behind; both are taken modulo 2**32."""
    return ((seq - reference + 0x80000000) & 0xFFFFFFFF) - 0x80000000
