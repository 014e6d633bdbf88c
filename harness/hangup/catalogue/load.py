"""Reading scenario files. A file's name is its scenario's id; a file with ``[variants]`` is a family of scenarios.

A family's ids are ``<file>-<method>-<next>``: ``reuse-after-fin-post-once``; in a family by version of TLS they begin
with it: ``tls12-fin-mid-body``. ``{method}`` in a step stands for the variant's method, and ``further`` is what
``[variants.next]`` says.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hangup.catalogue.model import Scenario, Variants
from hangup.errors import InputError
from hangup.reading import complaint, read_toml

FOLDER = Path(__file__).resolve().parents[1] / "scenarios"
_TLS = "tls-"
"""How the name of a family by version of TLS begins."""
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
    except (InputError, ValidationError) as error:
        why = complaint(error) if isinstance(error, ValidationError) else error
        raise InputError(f"{path}: {why}") from None


def _family(stem: str, table: dict[str, Any]) -> list[Scenario]:
    if "variants" not in table:
        return [Scenario.model_validate({**table, "id": stem})]
    variants = Variants.model_validate(table.pop("variants"))
    if variants.tls and not stem.startswith(_TLS):
        raise InputError(f"a family by version of TLS is named {_TLS}…")
    forms = product(
        [("tls", version) for version in variants.tls] or _ONE,
        [("method", method) for method in variants.method] or _ONE,
        [("next", name) for name in variants.next] or _ONE,
    )
    return [_form(stem, table, variants, {form[0]: form[1] for form in chosen if form}) for chosen in forms]


_ONE: list[tuple[str, str] | None] = [None]
"""The only form there is."""


def _form(stem: str, table: dict[str, Any], variants: Variants, names: dict[str, str]) -> Scenario:
    words = [stem, *(names[kind].lower() for kind in ("method", "next") if kind in names)]
    if "tls" in names:
        words[0] = stem.replace(_TLS, f"tls{names['tls'].replace('.', '')}-", 1)
    further = {"further": variants.next[names["next"]]} if "next" in names else {}
    return Scenario.model_validate({**_fill(table, names), "id": "-".join(words), **further})


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
