"""Where commands print: standard output as rich knows it, and a section with its heading. Knows nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.padding import Padding
from rich.segment import Segment
from rich.text import Text

from hangup.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType

PIPED_WIDTH = 100


class PlainConsole(Console):
    """One that texts of clients, agents and files do not command, whatever they hold."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Rich's own control codes are kept."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain(segment.text), segment.style)


def make_console(piped: int = PIPED_WIDTH) -> Console:
    """Standard output; where it is no terminal, and nobody says how wide, ``piped`` columns of it."""
    console = PlainConsole(highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = piped
    return console


def section(title: str, *parts: RenderableType) -> RenderableType:
    """A heading, and what stands below it."""
    return Group(Text(""), Text(title, style="bold"), *(Padding(part, (0, 0, 0, 2)) for part in parts))
