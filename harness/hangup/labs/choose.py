"""Opening the lab that was asked for, or the best one that works here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from hangup.errors import LabError
from hangup.labs.base import Lab, LabName
from hangup.labs.loopback import LoopbackLab
from hangup.labs.netns import NetnsLab

LABS: dict[LabName, type[NetnsLab | LoopbackLab]] = {"netns": NetnsLab, "loopback": LoopbackLab}
"""In the order in which ``auto`` tries them."""


@asynccontextmanager
async def open_lab(name: LabName | Literal["auto"]) -> AsyncIterator[Lab]:
    """The lab, closed again whatever happens. Raises LabError where the machine does not permit it."""
    lab = await _start(name)
    try:
        yield lab
    finally:
        await lab.close()


async def _start(name: LabName | Literal["auto"]) -> Lab:
    if name != "auto":
        return await LABS[name].start()
    try:
        return await NetnsLab.start()
    except LabError:
        return await LoopbackLab.start()


async def probe(name: LabName) -> str | None:
    """None where the lab can be opened here, else the reason why not."""
    try:
        lab = await LABS[name].start()
    except LabError as error:
        return str(error)
    await lab.close()
    return None
