"""A scenario in words: its script as a short sequence, and what the capture must show. It reads what the file says.

New acts and claims need no words of their own here: they are named as in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from hangup.catalogue.model import ParameterValue, Repeat, Scenario, Step, StepOrRepeat

_ABBREVIATIONS = {"fin": "FIN", "rst": "RST"}


def sequence(scenario: Scenario) -> list[str]:
    """The script, a phrase an actor: ``peer: accept, recv request``."""
    return list(_phrases(scenario.steps))


def further(scenario: Scenario) -> str | None:
    """What the peer does with each further connection, where the file says it."""
    return ", ".join(map(_act, scenario.further)) or None


def claims(scenario: Scenario) -> list[str]:
    """What the capture must show of the first connection: ``end RSTR``, ``first FIN nobody``."""
    told = scenario.wire.model_dump(exclude_none=True)
    return [f"{_name(key)} {_value(value)}" for key, value in told.items()]


def _phrases(steps: Iterable[StepOrRepeat]) -> Iterator[str]:
    for actor, group in groupby(steps, key=lambda step: step.actor if isinstance(step, Step) else None):
        if actor is not None:
            yield f"{actor}: {', '.join(_act(step) for step in group if isinstance(step, Step))}"
            continue
        for repeat in group:
            assert isinstance(repeat, Repeat)
            yield f"{repeat.repeat} × ({'; '.join(_phrases(repeat.steps))})"


def _act(step: Step) -> str:
    details = [_detail(name, value) for name, value in step.params.items()]
    return f"{step.act} ({', '.join(details)})" if details else step.act


def _detail(name: str, value: ParameterValue) -> str:
    if value is True:
        return name
    if isinstance(value, str):
        return value.replace("\r", "\\r").replace("\n", "\\n")
    return f"{value} {name}" if name in ("bytes", "ms") else f"{name} {value}"


def _name(key: str) -> str:
    return " ".join(_ABBREVIATIONS.get(word, word) for word in key.split("_"))


def _value(value: object) -> str:
    return " or ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
