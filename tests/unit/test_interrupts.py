"""The first signal ends a command, further ones change nothing, and what is held is not half done."""

from __future__ import annotations

import asyncio
import signal

import pytest

from hangup.errors import LabError
from hangup.interrupts import interruptible, to_its_end

SIGNALS = [signal.SIGINT, signal.SIGTERM]


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("number", SIGNALS)
def test_work_is_cancelled_and_cleans_up_undisturbed(number: signal.Signals) -> None:
    cleaned = []

    async def work() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, number)
        try:
            await for_ever()
        finally:
            for _ in range(3):
                signal.raise_signal(number)
                await asyncio.sleep(0)
            cleaned.append(True)

    with pytest.raises(KeyboardInterrupt, match="nothing was done"), interruptible("nothing was done") as interrupts:
        interrupts.run(work())
    assert cleaned


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_counts_where_the_work_is_done_all_the_same(number: signal.Signals) -> None:
    async def work() -> None:
        signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt), interruptible("") as interrupts:
        interrupts.run(work())


def test_an_error_of_work_that_is_ended_is_not_told() -> None:
    async def work() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGTERM)
        try:
            await for_ever()
        finally:
            raise LabError("the lab is closed")

    with pytest.raises(KeyboardInterrupt), interruptible("") as interrupts:
        interrupts.run(work())


def test_an_error_without_a_signal_is() -> None:
    async def work() -> None:
        raise LabError("no lab")

    with pytest.raises(LabError, match="no lab"), interruptible("") as interrupts:
        interrupts.run(work())


@pytest.mark.parametrize("number", SIGNALS)
def test_elsewhere_it_is_raised_at_once(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt, match="nothing"), interruptible("nothing"):
        signal.raise_signal(number)


@pytest.mark.parametrize("number", SIGNALS)
def test_what_is_held_is_done_first(number: signal.Signals) -> None:
    done = []

    def work() -> None:
        with interruptible("nothing") as interrupts:
            with interrupts.held():
                signal.raise_signal(number)
                interrupts.words = "all was done"
                done.append("held")
            done.append("more")

    with pytest.raises(KeyboardInterrupt, match="all was done"):
        work()
    assert done == ["held"]


def test_the_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with interruptible(""):
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


async def test_a_clean_up_is_not_broken_off() -> None:
    steps = []

    async def clean_up() -> None:
        for step in range(3):
            await asyncio.sleep(0)
            steps.append(step)

    task = asyncio.create_task(to_its_end(clean_up()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == [0, 1, 2]
