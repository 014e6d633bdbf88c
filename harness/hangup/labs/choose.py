"""Opening the lab that was asked for, or the best one that works here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Literal

from hangup.errors import InputError, LabError
from hangup.interrupts import to_its_end
from hangup.labs.base import Building, Lab, LabName, quietly
from hangup.labs.docker import DockerLab
from hangup.labs.loopback import LoopbackLab
from hangup.labs.netns import NetnsLab

LABS: dict[LabName, type[NetnsLab | LoopbackLab | DockerLab]] = {
    "netns": NetnsLab,
    "loopback": LoopbackLab,
    "docker": DockerLab,
}

LabChoice = LabName | Literal["auto"]
AUTO: tuple[LabName, ...] = ("netns", "loopback")
"""``auto`` takes the first of these that works."""


@asynccontextmanager
async def open_lab(name: LabChoice, building: Building = quietly, build_args: Sequence[str] = ()) -> AsyncIterator[Lab]:
    """The lab, closed again whatever happens. ``building`` is told where a part of it has to be built first.

    Raises LabError where the machine does not permit it, BuildError where a part of it cannot be built, InputError for
    build arguments that it has no use for.
    """
    if name == "docker":
        lab: Lab = await DockerLab.start(building, build_args)
    elif build_args:
        raise InputError("--build-arg: only the docker lab has images; use it with --lab docker")
    else:
        lab = await _start(AUTO if name == "auto" else (name,), building)
    try:
        yield lab
    finally:
        await to_its_end(lab.close())


async def _start(names: Sequence[LabName], building: Building) -> Lab:
    """The first of them that works; the last one's LabError where none does."""
    for name in names[:-1]:
        with suppress(LabError):
            return await LABS[name].start(building)
    return await LABS[names[-1]].start(building)


async def probe(name: LabName) -> str | None:
    """None where the lab can be opened here, else the reason why not."""
    try:
        await LABS[name].probe()
    except LabError as error:
        return str(error)
    return None
