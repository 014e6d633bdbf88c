"""Reading the files that people and programs write: what is wrong with one, and where in it, is said in one way."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hangup.errors import HangupError, InputError


def read_text(path: Path, fault: type[HangupError] = InputError) -> str:
    """The text of a file (UTF-8). Raises ``fault``, which names the file, where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise fault(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise fault(f"{path}: not UTF-8 at byte {error.start}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """The table that a TOML file holds. Raises InputError that names the file, and the line where it is no TOML."""
    try:
        return tomllib.loads(read_text(path))
    except (ValueError, RecursionError) as error:  # also a number of more than 4,300 digits; brackets without end
        raise InputError(f"{path}: not valid TOML: {error}") from None


def complaint(error: ValidationError) -> str:
    """The first complaint, with its place: ``steps[3]: peer has no step 'sned'``."""
    detail = error.errors(include_url=False)[0]
    place = ""
    for part in detail["loc"]:
        if isinstance(part, int):
            place += f"[{part}]"
        elif part not in ("Step", "Repeat"):
            place += f".{part}" if place else part
    more = error.error_count() - 1
    text = detail["msg"].removeprefix("Value error, ")
    return f"{place}: {text}" + (f" (and {more} more)" if more else "") if place else text
