"""Reading the files that people and programs write: what is wrong with one, and where in it, is said in one way."""

from __future__ import annotations

import json
import re
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


def _is_file(path: Path, fault: type[HangupError]) -> None:
    """A pipe in its place would be waited for without end. Raises ``fault``."""
    try:
        other = path.exists() and not path.is_file()
    except OSError:
        return  # whoever reads it says why not
    if other:
        raise fault(f"{path}: is not a file")


def read_toml(path: Path) -> dict[str, Any]:
    """The table that a TOML file holds. Raises InputError that names the file, and the line where it is no TOML."""
    _is_file(path, InputError)
    text = read_text(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None
    except ValueError:
        raise InputError(f"{path}: {_long_number(text)}") from None
    except RecursionError:
        raise InputError(f"{path}: {_NESTED}") from None
    if (place := _large_number(table)) is not None:
        raise InputError(f"{path}: {place}: a number beyond 64 bits")
    return table


def read_json(path: Path, fault: type[HangupError] = InputError, remedy: str = "restore it or make it anew") -> Any:
    """The value that a JSON file holds. Raises ``fault``, which names the file, and the line where it is no JSON."""
    _is_file(path, fault)
    text = read_text(path, fault)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise fault(f"{path}: line {error.lineno}: cut short or not JSON ({error.msg}); {remedy}") from None
    except ValueError:
        raise fault(f"{path}: {_long_number(text)}; {remedy}") from None
    except RecursionError:
        raise fault(f"{path}: {_NESTED}; {remedy}") from None


_NESTED = "nested too deep"


def _long_number(text: str) -> str:
    """Where it stands. Python reads no number of more than 4,300 digits."""
    found = re.search(r"\d[\d_]{4300,}", text)
    line = f"line {text.count(chr(10), 0, found.start()) + 1}: " if found else ""
    return f"{line}a number with too many digits"


def _large_number(value: object, place: str = "") -> str | None:
    """The place of the first one: Python reads hexadecimal ones of any length, and cannot print them."""
    if isinstance(value, int):
        return place if value.bit_length() > 64 else None
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    places = (_large_number(item, f"{place}.{key}" if place else f"{key}") for key, item in items)
    return next((found for found in places if found is not None), None)


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
