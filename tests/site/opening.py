"""How a test opens a page."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from playwright.sync_api import Page


class Opener(Protocol):
    """``opened(folder, "matrix.html#layer=http", color_scheme="dark")``."""

    def __call__(self, folder: Path, address: str, **context: object) -> Page: ...
