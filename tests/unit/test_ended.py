"""Trials that share a peer's container: each is a trial of its own, and the container ends for all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from hangup.catalogue import Step
from hangup.conduct import ended
from hangup.conduct.ended import EndedContainers, EndedPeer
from hangup.errors import LabError, PeerFault
from hangup.labs.base import ContainerEnd
from hangup.labs.loopback import LoopbackLab
from hangup.labs.process import Process

KILL = Step(actor="container", act="kill")
PAUSE = Step(actor="container", act="pause")
DEADLINE = 20.0
"""Bounds how long a trial that is forgotten can keep a test from failing."""


class Container:
    """A peer that really runs, as a child; its end is what is told of it."""

    host = "127.0.0.1"

    def __init__(self, process: Process, refusal: str | None) -> None:
        self.process = process
        self.refusal = refusal
        self.ends: list[tuple[ContainerEnd, int]] = []
        self.removed = 0

    async def end(self, how: ContainerEnd, grace: int) -> None:
        self.ends.append((how, grace))
        if self.refusal is not None:
            raise LabError(self.refusal)
        self.process.kill()

    async def remove(self) -> None:
        self.removed += 1
        await self.process.end()


class Containers:
    """Starts them in the loopback lab."""

    def __init__(self, lab: LoopbackLab) -> None:
        self._lab = lab
        self.started: list[Container] = []
        self.refusal: str | None = None

    async def start(self) -> Container:
        container = Container(await self._lab.start_peer(), self.refusal)
        self.started.append(container)
        return container


@pytest.fixture
async def containers() -> AsyncIterator[Containers]:
    lab = await LoopbackLab.start()
    yield Containers(lab)
    await lab.close()


async def trial(all_: EndedContainers, name: str, step: Step = KILL, *, ready: bool = True) -> EndedPeer:
    """One trial up to its end, or one that breaks off before."""
    async with all_.peer(step) as peer:
        await peer.open(name, ())
        if ready:
            await peer.end(name, step)
        assert await peer.close(name) == ()
    return peer


async def test_trials_that_wait_share_a_container_and_its_end(containers: Containers) -> None:
    everything = EndedContainers(containers)
    await asyncio.gather(*(trial(everything, f"t{number}") for number in range(5)))
    (container,) = containers.started
    assert container.ends == [("kill", 10)]
    assert container.removed == 1


async def test_trials_that_end_otherwise_share_none(containers: Containers) -> None:
    everything = EndedContainers(containers)
    await asyncio.gather(trial(everything, "t1"), trial(everything, "t2", PAUSE))
    assert sorted(container.ends[0][0] for container in containers.started) == ["kill", "pause"]


async def test_who_comes_later_gets_another_container(containers: Containers) -> None:
    everything = EndedContainers(containers)
    await trial(everything, "t1")
    await trial(everything, "t2")
    assert [container.removed for container in containers.started] == [1, 1]


async def test_no_more_share_a_container_than_it_is_meant_for(
    containers: Containers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended, "TOGETHER", 2)
    everything = EndedContainers(containers)
    await asyncio.gather(*(trial(everything, f"t{number}") for number in range(5)))
    assert len(containers.started) == 3


async def test_no_more_containers_run_than_there_is_room_for(
    containers: Containers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended, "TOGETHER", 1)
    monkeypatch.setattr(ended, "AT_ONCE", 1)
    everything = EndedContainers(containers)
    async with everything.peer(KILL) as first:
        await first.open("t1", ())
        waiting = asyncio.create_task(trial(everything, "t2"))
        await first.run("t1", ())  # an answer of the peer's: the other one has had its turn
        assert len(containers.started) == 1
    await waiting
    assert len(containers.started) == 2


@pytest.mark.parametrize("ready", [True, False], ids=["ready", "broken off"])
async def test_the_end_waits_for_the_last_one(containers: Containers, *, ready: bool) -> None:
    everything = EndedContainers(containers)
    inside, go = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with everything.peer(KILL) as peer:
            await peer.open("slow", ())
            inside.set()
            await go.wait()
            if ready:
                await peer.end("slow", KILL)

    trials = asyncio.gather(slow(), trial(everything, "t1"), trial(everything, "t2"))
    await inside.wait()
    (container,) = containers.started
    assert container.ends == []
    go.set()
    await trials
    assert container.ends == [("kill", 10)]
    assert container.removed == 1


async def test_who_gave_up_is_not_asked_for_a_log(containers: Containers) -> None:
    everything = EndedContainers(containers)
    async with AsyncExitStack() as stack, asyncio.timeout(DEADLINE):
        entering = (stack.enter_async_context(everything.peer(KILL)) for _ in range(2))
        patient, other = await asyncio.gather(*entering)
        await patient.open("patient", ())
        await other.open("other", ())
        waiting = asyncio.create_task(other.end("other", KILL))
        await other.run("other", ())  # an answer of the peer's: the other one has had its turn
        waiting.cancel()
        assert await other.close("other") == ()
        ending = asyncio.create_task(patient.end("patient", KILL))
        await patient.run("patient", ())
        await other.leave()
        await ending
        assert [container.ends for container in containers.started] == [[("kill", 10)]]


async def test_a_peer_that_cannot_be_asked_is_told_to_all(containers: Containers) -> None:
    everything = EndedContainers(containers)
    async with everything.peer(KILL) as peer, asyncio.timeout(DEADLINE):
        with pytest.raises(PeerFault, match="no trial"):
            await peer.end("never opened", KILL)


async def test_ports_are_apart_from_those_of_the_runs_own_peer(containers: Containers) -> None:
    everything = EndedContainers(containers)
    async with everything.peer(KILL) as one, everything.peer(PAUSE) as other:
        ports = [await one.open("t1", ()), await other.open("t2", ())]
    assert ports == list(ended.PORTS[:2])


async def test_an_engine_that_refuses_is_told_to_all(containers: Containers) -> None:
    containers.refusal = "no"
    everything = EndedContainers(containers)
    given = await asyncio.gather(trial(everything, "t1"), trial(everything, "t2"), return_exceptions=True)
    assert [str(error) for error in given] == ["no", "no"]
    assert [container.removed for container in containers.started] == [1]


async def test_a_lab_without_an_engine_says_so() -> None:
    with pytest.raises(LabError, match="no engine of containers"):
        await trial(EndedContainers(None), "t1")
