"""Replies find their requests; what is late is dropped, what is wrong is a fault, and a fault ends everything open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from hangup.agents.agent import Agent
from hangup.agents.protocol import Ping
from hangup.errors import AgentFault
from hangup.labs.process import Process


class Talk:
    """An agent whose words the test speaks."""

    def __init__(self) -> None:
        self.killed = 0
        self.process = Process(kill=self._kill)
        self.agent = Agent(self.process, "basic")
        self.say({"type": "hello", "protocol": 2, "language": "basic", "runtime": "BASIC 2.0", "clients": {}})

    def _kill(self) -> None:
        self.killed += 1

    def say(self, message: object) -> None:
        self.process.feed_stdout(json.dumps(message).encode() + b"\n")

    def reply(self, number: int, received: int = 0) -> None:
        self.say({"type": "reply", "id": number, "result": "observed", "received": received})

    def ask(self) -> tuple[int, asyncio.Future]:
        return self.agent.ask(lambda number: Ping(id=number))


@pytest.fixture
async def talk() -> Talk:
    return Talk()


async def test_replies_come_in_any_order(talk: Talk) -> None:
    (first, one), (second, two) = talk.ask(), talk.ask()
    talk.reply(second, 2)
    talk.reply(first, 1)
    assert ((await one).received, (await two).received) == (1, 2)
    assert talk.agent.fault is None


async def test_a_late_answer_is_never_taken_for_the_next_requests(talk: Talk) -> None:
    late, given_up = talk.ask()
    talk.agent.forget(late)
    following, future = talk.ask()
    assert following != late
    talk.reply(late, 666)
    assert given_up.cancelled()
    assert not future.done()
    talk.reply(following, 1)
    assert (await future).received == 1
    assert talk.agent.fault is None


async def test_a_late_answer_may_come_but_once(talk: Talk) -> None:
    late, _ = talk.ask()
    talk.agent.forget(late)
    talk.reply(late)
    talk.reply(late)
    assert "answered request 1, which was not open" in str(talk.agent.fault)


FAULTS: dict[str, tuple[Callable[[Talk], None], str]] = {
    "an answer to nothing": (lambda talk: talk.reply(99), "answered request 99, which was not open"),
    "a second hello": (
        lambda talk: talk.say(
            {"type": "hello", "protocol": 2, "language": "basic", "runtime": "BASIC 2.0", "clients": {}}
        ),
        "said hello twice",
    ),
    "no JSON": (lambda talk: talk.process.feed_stdout(b"READY.\n"), "wrote a line that is no message"),
    "an empty line": (lambda talk: talk.process.feed_stdout(b"\n"), "wrote a line that is no message"),
    "JSON without end": (lambda talk: talk.process.feed_stdout(b"[" * 100_000 + b"\n"), "wrote a line that is no"),
    "bytes": (lambda talk: talk.process.feed_stdout(b"\xff\x00\n"), "wrote a line that is no message"),
    "an unknown field": (lambda talk: talk.say({"type": "reply", "id": 1, "reslut": ""}), "reply."),
    "a flood": (lambda talk: talk.process.feed_stdout(b"x" * (2 << 20)), "wrote a line of more than 1,048,576 bytes"),
    "its end": (lambda talk: talk.process.exited(3), "ended with status 3"),
    "its end by a signal": (lambda talk: talk.process.exited(-11), "was killed by signal 11"),
}


@pytest.mark.parametrize(("misdeed", "fault"), FAULTS.values(), ids=FAULTS)
async def test_a_fault_ends_all_that_is_open_and_all_that_is_asked(
    talk: Talk, misdeed: Callable[[Talk], None], fault: str
) -> None:
    (_, one), (_, two) = talk.ask(), talk.ask()
    misdeed(talk)
    _, three = talk.ask()
    for future in (one, two, three):
        with pytest.raises(AgentFault, match="the basic agent ") as caught:
            await future
        assert fault in str(caught.value)
    assert not await talk.agent.alive()


async def test_the_first_fault_is_the_one_that_is_told(talk: Talk) -> None:
    talk.reply(99)
    talk.process.exited(-9)
    assert "answered request 99" in str(talk.agent.fault)
    assert talk.killed == 1


async def test_last_words_are_the_last_line_of_stderr(talk: Talk) -> None:
    talk.process.feed_stderr(b"Traceback\n  line 1\nMemoryError: no room\n\n")
    talk.process.exited(1)
    assert talk.agent.fault == "the basic agent ended with status 1; its last words: MemoryError: no room"


async def test_an_answer_that_comes_beside_a_cancellation_does_not_swallow_it(talk: Talk) -> None:
    """Both in one turn of the loop, as when the machine was busy with others."""
    pinging = asyncio.create_task(talk.agent.alive())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    talk.reply(1)
    pinging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pinging


async def test_a_number_that_cannot_be_read_is_the_agents_fault(talk: Talk) -> None:
    _, future = talk.ask()
    talk.process.feed_stdout(b'{"type":"reply","id":1,"result":"observed","received":' + b"9" * 5000 + b"}\n")
    with pytest.raises(AgentFault, match="no message of the protocol"):
        await future
