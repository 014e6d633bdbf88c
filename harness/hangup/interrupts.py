"""SIGINT and SIGTERM end a command the same way, and end it for certain.

Rule 1: the first signal ends the command. It cancels the work that ``run`` awaits; elsewhere it raises
KeyboardInterrupt.
Rule 2: further signals change nothing, so that nothing disturbs the clean-up.
Rule 3: what must not be half done stands in ``held``; a signal that comes meanwhile takes effect at its end.

Work that swallows its cancellation goes on for ever. ``asyncio.wait_for`` does that before Python 3.12, if what it
awaits is done in the same turn of the loop; so it is used nowhere (ruff's TID251), and ``asyncio.timeout`` is.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeVar

from hangup.errors import HangupError

T = TypeVar("T")


class Interrupts:
    """The signals that a command has got; made by ``interruptible``."""

    def __init__(self, words: str) -> None:
        self.words = words
        """What the user is told of what was done, if the command is interrupted now."""
        self.came = False
        self._held = False
        self._cancel: Callable[[], object] = lambda: None

    def arrived(self, number: int, frame: FrameType | None) -> None:
        """The handler of both signals."""
        del number, frame
        if self.came:
            return
        self.came = True
        self._cancel()
        self._raise_if_came()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work gives, from an event loop of its own. Raises KeyboardInterrupt if a signal came."""

        async def cancellable() -> T:
            loop, task = asyncio.get_running_loop(), asyncio.current_task()
            assert task is not None

            def cancel() -> None:
                with suppress(RuntimeError):  # the loop has just been closed: the work is over
                    loop.call_soon_threadsafe(task.cancel)

            self._cancel = cancel
            if self.came:
                cancel()
            return await work

        with self.held():
            try:
                return asyncio.run(cancellable())
            except (asyncio.CancelledError, HangupError):  # an error of work that is being ended is of no interest
                if self.came:
                    raise KeyboardInterrupt(self.words) from None
                raise
            finally:
                self._cancel = lambda: None

    @contextmanager
    def held(self) -> Iterator[None]:
        """A signal that comes within takes effect at the end."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        self._raise_if_came()

    def _raise_if_came(self) -> None:
        if self.came and not self._held:
            raise KeyboardInterrupt(self.words)


@contextmanager
def interruptible(words: str) -> Iterator[Interrupts]:
    """Both signals are the command's own within. Only the main thread can have them."""
    interrupts = Interrupts(words)
    before = {number: signal.signal(number, interrupts.arrived) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Await a clean-up that a cancellation does not break off: it is raised afterwards."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
