"""What the commands that speak to the container engine share: they need no event loop of their own making."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from hangup.labs.docker.engine import Engine

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")


def with_engine(work: Callable[[APIClient], T]) -> T:
    """What ``work`` gives, on the engine of this machine. Raises LabError where there is none that can be used."""

    async def run() -> T:
        engine = await Engine.connect()
        try:
            return await engine.call_at_length(work)
        finally:
            await engine.close()

    return asyncio.run(run())
