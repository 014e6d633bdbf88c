"""What a script's `wait` looks at: each sign, by packets, by a socket's states and by an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from ladder_samples import HANDSHAKE, PORT, REQUEST, segment

from hangup.catalogue.script import ACTS
from hangup.conduct.observer import Tracker
from hangup.conduct.waits import WAITS, Look, Sign, View, wait
from hangup.labs.sockdiag import ESTABLISHED, SocketState

CLOSE_WAIT, TIME_WAIT = 8, 6  # include/net/tcp_states.h
SENT = 100
READ = SocketState(ESTABLISHED, unread=0, unacknowledged=0, received=SENT)


def view(*, look: Look | None = None, tracker: Tracker | None = None, answered: Sign | None = None) -> View:
    return View(port=PORT, sent=SENT, exchanges=1, look=look, tracker=tracker, answered=answered)


def test_each_wait_of_the_step_language_is_known_and_no_other() -> None:
    assert set(ACTS["wait"]) == WAITS


@pytest.mark.parametrize(
    ("what", "before", "last"),
    [
        pytest.param("data sent", HANDSHAKE, "5 > PA 1 1 1", id="data-sent"),
        pytest.param("request sent", HANDSHAKE, "5 > PA 1 1 41", id="request-sent"),
        pytest.param("request acknowledged", REQUEST[:4], REQUEST[4], id="request-acknowledged"),
        pytest.param("sent again", REQUEST, "200 > PA 1 1 41", id="sent-again"),
        pytest.param("sent again", (*REQUEST, "5 > PA 42 1 41"), "200 > PA 42 1 41", id="sent-again-the-last"),
        pytest.param("challenge ack", (*REQUEST, "9 < R 5000 0"), "10 > A 42 1", id="challenge-ack"),
    ],
)
async def test_the_capture_shows_it_with_the_last_packet_and_not_before(
    what: str, before: tuple[str, ...], last: str
) -> None:
    tracker = Tracker(PORT, lambda: None)
    waiting = asyncio.ensure_future(wait(what, view(tracker=tracker)))
    for text in before:
        tracker.feed(segment(text))
        await turns()
    assert not waiting.done()
    tracker.feed(segment(last))
    await turns()
    assert waiting.done()
    await waiting


async def turns() -> None:
    """A packet's news, and what follows from it, take some turns of the loop."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("what", "states", "looks"),
    [
        pytest.param("fin at client", [READ, READ._replace(state=CLOSE_WAIT)], 2, id="fin"),
        pytest.param("fin at client", [READ, None], 2, id="fin-and-gone"),
        pytest.param("rst at client", [READ, READ._replace(state=CLOSE_WAIT), None], 3, id="rst"),
        pytest.param("data read", [READ._replace(received=SENT - 1), READ._replace(unread=1), READ], 3, id="data-read"),
        pytest.param(
            "data read", [READ._replace(unread=1), READ._replace(received=None)], 2, id="nobody-reads-any-more"
        ),
    ],
)
async def test_the_clients_kernel_is_asked_until_it_shows_it(
    what: str, states: list[SocketState | None], looks: int
) -> None:
    asked: list[SocketState | None] = []

    def look() -> SocketState | None:
        asked.append(states[len(asked)])
        return asked[-1]

    await wait(what, view(look=look))
    assert len(asked) == looks


async def test_a_sender_is_looked_at_until_nothing_moves() -> None:
    full = READ._replace(writable=False)
    moving: Iterator[SocketState] = iter([full._replace(unacknowledged=n) for n in range(9)])
    states: list[SocketState] = []

    def look() -> SocketState:
        states.append(next(moving, full))
        return states[-1]

    await wait("send blocked", view(look=look))
    assert states[-2:] == [full, full]


async def test_an_answer_is_waited_for() -> None:
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = asyncio.ensure_future(wait("answer", view(answered=answer.done)))
    await turns()
    assert not waiting.done()
    answer.set_result(None)
    await waiting


@pytest.mark.parametrize("what", sorted(WAITS))
async def test_where_nobody_can_be_asked_the_script_goes_on(what: str) -> None:
    await wait(what, view())
