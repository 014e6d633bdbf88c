"""An agent's pulse: how late its answers to a regular ping were, which tells whether the machine was busy.

What is late may be the agent or this process itself: to a trial that is timed both mean the same.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from hangup.agents.protocol import Reply

_EVERY_SECONDS = 0.5
_KEPT = 2_000
"""Beats that are remembered: those of the longest trial."""


class Pulse:
    """One agent's. ``stop`` must be called when the agent ends."""

    def __init__(self, ping: Callable[[], asyncio.Future[Reply]]) -> None:
        self._ping = ping
        self._loop = asyncio.get_running_loop()
        self._due: float | None = None
        """When the beat was due that has not come yet."""
        self._beats: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        """When each came, and how many seconds late."""
        self._beating: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._beating = self._loop.create_task(self._beat())

    def stop(self) -> None:
        """End it. Safe to call twice, or without a start."""
        if self._beating is not None:
            self._beating.cancel()

    def latest(self, since: float) -> float:
        """By how many seconds the latest beat since then (the event loop's time) was late."""
        late = [seconds for came, seconds in self._beats if came >= since]
        if self._due is not None:  # of the one that is under way, so much is known
            late.append(self._loop.time() - self._due)
        return max(0.0, *late) if late else 0.0

    async def _beat(self) -> None:
        while True:
            self._due = self._loop.time() + _EVERY_SECONDS
            await asyncio.sleep(_EVERY_SECONDS)
            answer = self._ping()
            await asyncio.wait([answer])
            if answer.cancelled() or answer.exception() is not None:
                return  # the agent has failed
            now = self._loop.time()
            self._beats.append((now, now - self._due))
