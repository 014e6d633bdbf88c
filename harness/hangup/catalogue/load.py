"""Reading scenario files. A file's name is its scenario's id; a file with ``[variants]`` is a family of scenarios.

A family's ids are ``<file>-<method>-<next>``: ``reuse-after-fin-post-once``. ``{method}`` in a step stands for the
variant's method, and ``further`` is what ``[variants.next]`` says.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hangup.catalogue.model import Scenario, Variants
from hangup.errors import InputError
from hangup.reading import complaint, read_toml

FOLDER = Path(__file__).resolve().parents[1] / "scenarios"
_ID = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")


def load_file(path: Path) -> list[Scenario]:
    """The scenario, or the family of scenarios, of one file.

    Raises InputError that names the file, the place in it, and what is wrong there.
    """
    table = read_toml(path)
    if not _ID.match(path.stem):
        raise InputError(f"{path}: a scenario's file name is its id: lower-case words joined by hyphens")
    if "id" in table:
        raise InputError(f"{path}: the file's name is the id; remove the key 'id'")
    try:
        return _family(path.stem, table)
    except ValidationError as error:
        raise InputError(f"{path}: {complaint(error)}") from None


def _family(stem: str, table: dict[str, Any]) -> list[Scenario]:
    if "variants" not in table:
        return [Scenario.model_validate({**table, "id": stem})]
    variants = Variants.model_validate(table.pop("variants"))
    return [
        Scenario.model_validate(
            {
                **_fill(table, {"method": method, "next": name}),
                "id": f"{stem}-{method.lower()}-{name}",
                "further": further,
            }
        )
        for method in variants.method
        for name, further in variants.next.items()
    ]


def _fill(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace("{" + name + "}", text)
        return value
    if isinstance(value, list):
        return [_fill(item, names) for item in value]
    if isinstance(value, dict):
        return {key: _fill(item, names) for key, item in value.items()}
    return value


@lru_cache(maxsize=1)
def load_catalogue(folder: Path = FOLDER) -> dict[str, Scenario]:
    """All scenarios by id, in the order of their ids, with the control ``normal`` first."""
    scenarios: dict[str, Scenario] = {}
    for path in sorted(folder.glob("*.toml")):
        for scenario in load_file(path):
            if scenario.id in scenarios:
                raise InputError(f"{path}: the scenario {scenario.id!r} is defined twice")
            scenarios[scenario.id] = scenario
    if not scenarios:
        raise InputError(f"{folder}: no scenario files (*.toml) there")
    return dict(sorted(scenarios.items(), key=lambda item: (item[0] != "normal", item[0])))
