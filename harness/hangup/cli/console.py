"""Where commands print: standard output as rich knows it, and a section with its heading. Knows nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.padding import Padding
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

PIPED_WIDTH = 100


def make_console(piped: int = PIPED_WIDTH) -> Console:
    """Standard output; where it is no terminal, and nobody says how wide, ``piped`` columns of it."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = piped
    return console


def section(title: str, *parts: RenderableType) -> RenderableType:
    """A heading, and what stands below it."""
    return Group(Text(""), Text(title, style="bold"), *(Padding(part, (0, 0, 0, 2)) for part in parts))
