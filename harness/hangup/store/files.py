"""Reading and writing results files. A file is written under another name first, and only a whole one is read."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from hangup.errors import StoreError
from hangup.publication import finish
from hangup.reading import complaint, read_json
from hangup.store.model import SCHEMA, ClientResults, Model

M = TypeVar("M", bound=Model)


def data_file(root: Path, platform: str, client: str) -> Path:
    """Where a client's results lie below a results folder."""
    return root / "data" / platform / f"{client}.json"


def load_results(root: Path) -> dict[tuple[str, str], ClientResults]:
    """All results below a folder, by platform and client. Raises StoreError for a folder without any."""
    if not root.is_dir():
        raise StoreError(f"{root}: no such folder; `hangup run --out {root}` makes one")
    finish(root)
    files = sorted((root / "data").glob("*/*/*.json"))
    if not files:
        raise StoreError(f"{root}: no results there (data/<platform>/<language>/<client>.json)")
    return {(path.parts[-3], f"{path.parts[-2]}/{path.stem}"): read_file(path) for path in files}


def read_file(path: Path) -> ClientResults:
    """One file. Raises StoreError that says what is wrong with it: cut short, of a newer schema, not ours."""
    return read_model(path, ClientResults, lambda file: (file.end.cells, len(file.cells), "cells"))


def read_model(path: Path, model: type[M], ended: Callable[[M], tuple[int, int, str]]) -> M:
    """A file of results. ``ended``: how many entries its closing record tells of, how many it has, and of what."""
    table = read_json(path, StoreError, "restore it or run it again")
    if not isinstance(table, dict) or not isinstance(table.get("schema"), int):
        raise StoreError(f"{path}: not a hangup results file (no schema number)")
    if table["schema"] < SCHEMA:
        raise StoreError(
            f"{path}: schema {table['schema']}, and this hangup reads {SCHEMA}; measure anew: `hangup run --out DIR`"
        )
    if table["schema"] > SCHEMA:
        raise StoreError(f"{path}: schema {table['schema']}, and this hangup reads up to {SCHEMA}; upgrade hangup")
    if "end" not in table:
        raise StoreError(f"{path}: incomplete, its closing record is missing; restore it or run it again")
    try:
        file = model.model_validate(table)
    except ValidationError as error:
        raise StoreError(f"{path}: {complaint(error)}") from None
    told, found, entries = ended(file)
    if told != found:
        raise StoreError(f"{path}: incomplete, {found} {entries} of {told}; restore it or run it again")
    return file


def dump(results: ClientResults) -> str:
    """A file's text: the same results give the same bytes."""
    return dump_json(results.model_copy(update={"cells": dict(sorted(results.cells.items()))}))


def dump_json(file: Model) -> str:
    """As all files of results are written."""
    table = file.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps(table, indent=1, ensure_ascii=False) + "\n"


def save(root: Path, results: Mapping[str, ClientResults]) -> None:
    """Write files below a results folder. Raises StoreError where that fails, and leaves the old file then."""
    for client, result in results.items():
        write_text(data_file(root, result.platform, client), dump(result))


def write_text(path: Path, text: str) -> None:
    """Write a whole file or nothing: to a temporary name beside it, then renamed. What is no file but a device, say, is
    written to, and a link's file is written."""
    temporary = None
    try:
        path = path.resolve()
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from None
