"""Reads lists of steps, as JSON has them, and says exactly what is wrong with one that cannot be read.

Pure. What the steps are is in `steps`; their order and meaning are not judged here.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, asdict, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from hangup_server.steps import STEPS
from hangup_server.steps.holding import AwaitHeldData, HoldData
from hangup_server.steps.listening import Accept, ListenerStep, Serve
from hangup_server.steps.process import ProcessStep
from hangup_server.steps.step import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LARGEST = 1 << 28
"""Upper bound of every number: a typing error must not make the peer allocate all memory."""


class ScriptError(ValueError):
    """A step or parameter that does not exist or has no sensible value: the script's fault."""


_PARAMETERS: dict[str, dict[str, Field[Any]]] = {
    kind.name: {parameter.name: parameter for parameter in fields(kind)}  # type: ignore[arg-type]
    for kind in STEPS.values()
}
_TYPES = {"int": int, "bool": bool, "str": str}


def parse(listed: object) -> tuple[Step, ...]:
    """Reads a JSON list of steps. Raises ScriptError, which says which step of the list is wrong, and how."""
    if not isinstance(listed, list):
        raise ScriptError("steps must be a list")
    return tuple(_parse_one(number, item) for number, item in enumerate(listed, 1))


def _parse_one(number: int, item: object) -> Step:
    if not isinstance(item, dict) or not isinstance(item.get("step"), str):
        raise ScriptError(f'step {number} is not an object with a "step": {item!r:.80}')
    name = item["step"]
    kind = STEPS.get(name)
    if kind is None:
        raise ScriptError(f"step {number}: there is no step {name!r}; there are: {', '.join(STEPS)}")
    where = f"step {number} ({name})"
    parameters = _PARAMETERS[name]
    given: dict[str, Any] = {}
    for key, value in item.items():
        if key == "step":
            continue
        if key not in parameters:
            raise ScriptError(f"{where}: no parameter {key!r}; it has: {', '.join(parameters) or 'none'}")
        given[key] = _checked(f"{where}: {key}", parameters[key], value)
    for key, parameter in parameters.items():
        if parameter.default is MISSING and key not in given:
            raise ScriptError(f"{where}: {key} is missing")
    return kind(**given)


def _checked(where: str, parameter: Field[Any], value: object) -> object:
    # Annotations are text here (postponed evaluation): "int", "str | None", ...
    wanted, _, optional = str(parameter.type).partition(" | ")
    if value is None and optional:
        return value
    if type(value) is not _TYPES[wanted]:  # exactly: True is no number
        raise ScriptError(f"{where} must be {wanted}, not {value!r:.80}")
    choices = parameter.metadata.get("choices")
    if choices and value not in choices:
        raise ScriptError(f"{where} must be one of {', '.join(choices)}, not {value!r:.80}")
    if isinstance(value, int):
        least = parameter.metadata.get("least", 0)
        if not least <= value <= LARGEST:
            raise ScriptError(f"{where} must be from {least} to {LARGEST}, not {value}")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode("latin-1")
        except UnicodeEncodeError:
            raise ScriptError(f"{where} must be Latin-1: a character is a byte") from None
    return value


def as_json(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """The inverse of `parse`."""
    return [{"step": step.name, **asdict(step)} for step in steps]  # type: ignore[call-overload]


class Script(NamedTuple):
    """What happens on each of many connections: what is to be done before and at the accept, and then."""

    hold: bool
    process: bool
    steps: tuple[Step, ...]


def script(steps: Sequence[Step]) -> Script:
    """Steps as they apply to every connection of a listener. Raises ScriptError.

    Where no accept is written, it is implied, in the form that the steps need. Steps of the listener, which
    cannot happen again for each connection, are left out.
    """
    accepts = [index for index, step in enumerate(steps) if isinstance(step, Accept)]
    if len(accepts) > 1:
        raise ScriptError("a connection can be accepted only once")
    if not accepts:
        return _implied(steps)
    before, accept, after = steps[: accepts[0]], steps[accepts[0]], steps[accepts[0] + 1 :]
    for step in before:
        if not isinstance(step, (HoldData, ListenerStep)):
            raise ScriptError(f"{step.name}: there is no connection before the accept")
    process = isinstance(accept, Accept) and accept.process
    for step in after:
        if isinstance(step, ProcessStep) and not process:
            raise ScriptError(f"{step.name}: no process owns the connection; accept it with process = true")
    hold = any(isinstance(step, HoldData) for step in before)
    return Script(hold, process, _of_connection(after))


def _implied(steps: Sequence[Step]) -> Script:
    process = any(isinstance(step, ProcessStep) for step in steps)
    holding = next((step for step in steps if isinstance(step, (HoldData, AwaitHeldData))), None)
    return Script(isinstance(holding, AwaitHeldData), process, _of_connection(steps))


def _of_connection(steps: Sequence[Step]) -> tuple[Step, ...]:
    return tuple(step for step in steps if not isinstance(step, (ListenerStep, Serve)))
