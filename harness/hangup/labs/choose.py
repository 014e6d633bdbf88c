"""Opening the lab that was asked for, or the best one that works here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

from hangup.errors import LabError
from hangup.labs.base import Lab, LabName
from hangup.labs.docker import DockerLab
from hangup.labs.loopback import LoopbackLab
from hangup.labs.netns import NetnsLab

LABS: dict[LabName, type[NetnsLab | LoopbackLab | DockerLab]] = {
    "netns": NetnsLab,
    "loopback": LoopbackLab,
    "docker": DockerLab,
}
"""``auto`` takes the first that works; loopback always does, so a docker lab is only what was asked for."""


@asynccontextmanager
async def open_lab(
    name: LabName | Literal["auto"], building: Callable[[str], None] = lambda title: None
) -> AsyncIterator[Lab]:
    """The lab, closed again whatever happens. ``building`` is told where a part of it has to be built first.

    Raises LabError where the machine does not permit it, BuildError where a part of it cannot be built.
    """
    lab = await _start(name, building)
    try:
        yield lab
    finally:
        await lab.close()


async def _start(name: LabName | Literal["auto"], building: Callable[[str], None]) -> Lab:
    if name == "docker":
        return await DockerLab.start(building)
    if name == "loopback":
        return await LoopbackLab.start()
    try:
        return await NetnsLab.start()
    except LabError:
        if name == "netns":
            raise
        return await LoopbackLab.start()


async def probe(name: LabName) -> str | None:
    """None where the lab can be opened here, else the reason why not."""
    try:
        await LABS[name].probe()
    except LabError as error:
        return str(error)
    return None
