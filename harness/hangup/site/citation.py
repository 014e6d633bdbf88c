"""How a cell is cited: its permanent address, its badge, both as Markdown too. The site and ``hangup cite`` agree."""

from __future__ import annotations

from typing import NamedTuple

from hangup.site import addresses


class Citation(NamedTuple):
    """``address`` and ``badge`` begin with the site's own address; without one they are the way from its folder."""

    address: str
    badge: str
    link: str
    """Markdown: the cell in words."""
    image: str
    """Markdown: the badge, which leads to the cell."""


def cite(client: str, scenario: str, word: str, base: str = "") -> Citation:
    """``word``: the cell in short, as the matrix has it."""
    address, badge = base + addresses.cell(client, scenario), base + addresses.badge(client, scenario)
    name = f"{client} in {scenario}: {word}"
    return Citation(
        address, badge, f"[`{client}` in `{scenario}`: {word}]({address})", f"[![{name}]({badge})]({address})"
    )
