"""Lists of steps: what is read, what is refused and why, and how sends become one."""

from __future__ import annotations

import json

import pytest
from peer_driver import Json, step

from hangup_server.http import body, response_head
from hangup_server.script import LARGEST, Script, ScriptError, as_json, parse, script
from hangup_server.steps import STEPS
from hangup_server.steps.ending import Reset
from hangup_server.steps.listening import Accept
from hangup_server.steps.process import Kill
from hangup_server.steps.reading import Recv, RecvRequest
from hangup_server.steps.sending import Send, SendBody, SendHead, SendStep, SendTogether, together
from hangup_server.steps.step import ConnectionStep, Step

SMALLEST: dict[str, Json] = {
    "recv": {"bytes": 1},
    "send body": {"bytes": 1},
    "send chunk": {"bytes": 1},
    "send": {"text": ""},
    "pause": {"ms": 1},
    "send half record": {"bytes": 1},
    "send goaway": {"last": 1},
}


def kinds(base: type[Step]) -> set[type[Step]]:
    """All that are derived from it and have a name."""
    derived = base.__subclasses__()
    return {kind for kind in derived if "name" in vars(kind)}.union(*map(kinds, derived))


def test_every_step_is_in_the_registry() -> None:
    assert kinds(Step) - {*STEPS.values()} == {SendTogether}


@pytest.mark.parametrize("name", STEPS)
def test_every_step_is_read_and_written_again(name: str) -> None:
    (parsed,) = parse([step(name, **SMALLEST.get(name, {}))])
    assert type(parsed) is STEPS[name]
    assert parse(json.loads(json.dumps(as_json([parsed])))) == (parsed,)


@pytest.mark.parametrize("name", STEPS)
def test_every_step_says_what_it_does(name: str) -> None:
    assert STEPS[name].__doc__
    assert STEPS[name].__doc__ != Step.__doc__


def test_parameters_have_their_values() -> None:
    (head,) = parse([step("send head", status=503, length=9, close=True, bytes=20)])
    assert head == SendHead(status=503, length=9, close=True, bytes=20)
    assert head.payload() == b"HTTP/1.1 503 Service"


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        ({}, "must be a list"),
        ([7], "step 1 is not an object"),
        ([{"do": "accept"}], "step 1 is not an object"),
        ([step("accept"), step("acept")], "step 2: there is no step 'acept'; there are: stop listening"),
        ([step("close", now=True)], r"step 1 \(close\): no parameter 'now'; it has: none"),
        ([step("recv")], r"step 1 \(recv\): bytes is missing"),
        ([step("recv", bytes="5")], "bytes must be int, not '5'"),
        ([step("recv", bytes=True)], "bytes must be int, not True"),
        ([step("recv", bytes=1.0)], "bytes must be int, not 1.0"),
        ([step("recv", bytes=None)], "bytes must be int, not None"),
        ([step("recv", bytes=0)], "bytes must be from 1"),
        ([step("send body", bytes=LARGEST + 1)], "bytes must be from 1"),
        ([step("send head", status=99)], "status must be from 100"),
        ([step("accept", process=1)], "process must be bool, not 1"),
        ([step("shutdown", side="both")], "side must be one of write, read"),
        ([step("send", text="\u20ac")], "text must be Latin-1"),
    ],
)
def test_what_is_wrong_is_said(listed: object, why: str) -> None:
    with pytest.raises(ScriptError, match=why):
        parse(listed)


def payloads(*steps: ConnectionStep) -> list[bytes | str]:
    return [step.payload() if isinstance(step, SendStep) else step.name for step in together(steps)]


def test_sends_that_follow_each_other_are_one() -> None:
    sent = payloads(RecvRequest(), SendHead(length=3), SendBody(3), Send("x"), Reset())
    assert sent == ["recv request", response_head(length=3) + body(3) + b"x", "reset"]


def test_a_flush_ends_a_group() -> None:
    assert payloads(Send("a"), Send("b", flush=True), Send("c"), Send("d")) == [b"ab", b"cd"]


def test_other_steps_stand_between_sends() -> None:
    assert payloads(Send("a"), Recv(1), Send("b")) == [b"a", "recv", b"b"]


ACCEPT, OWN, HOLD = step("accept"), step("accept", process=True), step("hold data")
RESET, KILL = step("reset"), step("kill")


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        pytest.param([], Script(hold=False, process=False, steps=()), id="nothing"),
        pytest.param([RESET], Script(hold=False, process=False, steps=(Reset(),)), id="implied"),
        pytest.param([ACCEPT, RESET], Script(hold=False, process=False, steps=(Reset(),)), id="written"),
        pytest.param([OWN, KILL], Script(hold=False, process=True, steps=(Kill(),)), id="process"),
        pytest.param([KILL], Script(hold=False, process=True, steps=(Kill(),)), id="implied-process"),
        pytest.param([HOLD, ACCEPT, RESET], Script(hold=True, process=False, steps=(Reset(),)), id="held"),
        pytest.param(
            [ACCEPT, step("stop listening"), RESET],
            Script(hold=False, process=False, steps=(Reset(),)),
            id="listener-left-out",
        ),
    ],
)
def test_script_for_every_connection(listed: list[object], expected: Script) -> None:
    assert script(parse(listed)) == expected


def test_a_hold_is_implied_by_waiting_for_what_is_held() -> None:
    assert script(parse([step("await held data"), RESET])).hold
    assert not script(parse([HOLD, step("await held data")])).hold


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        ([ACCEPT, ACCEPT], "only once"),
        ([RESET, ACCEPT], "reset: there is no connection before the accept"),
        ([ACCEPT, KILL], "kill: no process owns the connection"),
    ],
)
def test_scripts_that_cannot_be(listed: list[object], why: str) -> None:
    with pytest.raises(ScriptError, match=why):
        script(parse(listed))


def test_accept_is_no_step_of_a_connection() -> None:
    assert not issubclass(Accept, ConnectionStep)
