"""Ladders: the packets of one trial, what the client and the peer did beside them, and what it all means.

    segments ─ Packets → Packet ─┐
    operations → Moment ─────────┼─ draw → Row ─ render → text
    steps, log → Act ─ Placer ───┘
    packets ─ facts ─ explain → sentences

All of it is pure. It knows nothing of labs, files or the command line; ``live`` is fed as a trial goes on.
"""

from hangup.ladder.acts import Act, act_of, logged_acts
from hangup.ladder.explain import explain
from hangup.ladder.live import LiveLadder
from hangup.ladder.packets import Cause, Packet, Packets
from hangup.ladder.rows import Moment, Row, draw, moments
from hangup.ladder.words import Given, given, root, verdict_sentences

__all__ = [
    "Act",
    "Cause",
    "Given",
    "LiveLadder",
    "Moment",
    "Packet",
    "Packets",
    "Row",
    "act_of",
    "draw",
    "explain",
    "given",
    "logged_acts",
    "moments",
    "root",
    "verdict_sentences",
]
