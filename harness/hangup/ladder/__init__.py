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
from hangup.ladder.rows import Ladder, Moment, Row, draw, ladder, moments

__all__ = [
    "Act",
    "Cause",
    "Ladder",
    "LiveLadder",
    "Moment",
    "Packet",
    "Packets",
    "Row",
    "act_of",
    "draw",
    "explain",
    "ladder",
    "logged_acts",
    "moments",
]
