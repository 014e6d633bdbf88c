"""Sites for the tests: of what is published, and of clients that say what would harm a page that believed them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from hangup import paths
from hangup.catalogue import load_catalogue
from hangup.lookup.build import build as build_index
from hangup.site.build import Extras, build
from hangup.site.model import Site, join
from hangup.store import ClientResults, load_kernel, load_results
from hangup.store.drawings import Drawing, DrawingEnd, Row, script
from hangup.store.model import SCHEMA, Link

HOSTILE = (
    "<script>window.harmed = 1</script>",
    "\"><img src=x onerror='window.harmed = 1'>",
    "'-->]]></title></textarea></svg><b>bold</b>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:window.harmed=1//\u2028</script>",
    "a" * 600,
)
"""Texts that a client might print."""


@lru_cache(maxsize=1)
def published() -> list[ClientResults]:
    """All that is published."""
    return list(load_results(paths.published_results()).values())


def hostile(results: ClientResults) -> ClientResults:
    """The same client, but every text, type and code of its errors is hostile."""
    cells = {}
    for number, (name, cell) in enumerate(results.cells.items()):
        text = HOSTILE[number % len(HOSTILE)]
        observations = []
        for observation in cell.observations:
            operations = [
                op.model_copy(
                    update={
                        "error": tuple(Link(type=text, message=text, code=text) for _ in op.error),
                        "printed": text if op.error else None,
                    }
                )
                for op in observation.operations
            ]
            observations.append(observation.model_copy(update={"operations": tuple(operations)}))
        cells[name] = cell.model_copy(update={"observations": tuple(observations)})
    stack = results.stack.model_copy(update={"runtime": HOSTILE[0], "versions": {HOSTILE[1]: HOSTILE[2]}})
    return results.model_copy(update={"cells": cells, "stack": stack})


def joined(results: Sequence[ClientResults]) -> Site:
    """The site of these results, with the published reasons of the kernel."""
    return join(results, load_catalogue(), load_kernel(paths.published_results()))


def drawing(client: str = "python/socket", scenario: str = "rst-mid-body", text: str = "exchange …") -> Drawing:
    """A small one. ``text``: what the client does in it."""
    rows = (
        Row(heading="connection 1, from port 40000"),
        Row(ms=-0.1, client=text),
        Row(sender="client", words="SYN", numbers="seq 0"),
        Row(ms=0.2, sender="peer", words="FIN ACK", numbers="seq 1 ack 1", peer="accept\nclose"),
        Row(ms=12.5, sender="peer", words="RST", numbers="seq 2", peer="kernel: no socket"),
    )
    results = next(r for r in published() if r.client == client and r.platform == "netns")
    return Drawing(
        schema=SCHEMA, about="", platform=results.platform, client=client, layer=results.layer, scenario=scenario,
        script=script(load_catalogue()[scenario]), stack=results.stack, rows=rows, said=("The peer closed first.",),
        end=DrawingEnd(rows=len(rows)),
    )  # fmt: skip


def write_site(
    folder: Path, results: Sequence[ClientResults], drawings: Iterable[Drawing] = (), base_url: str | None = None
) -> Path:
    """Build a site below a folder."""
    index = build_index(results, load_catalogue())
    captures = {(d.client, d.scenario): b"a capture" for d in drawings}
    build(folder, joined(results), Extras(index, base_url, {}, tuple(drawings), captures))
    return folder


START_PAGE = (
    "index.html",
    "assets/site.css",
    "assets/icon.svg",
    "assets/index.js",
    "assets/lookup.js",
    "assets/site.js",
)
"""All that the start page loads; a test sees that it loads nothing else."""


def weight(folder: Path) -> int:
    """Bytes of the start page with all that it loads, compressed as a web server would."""
    return sum(len(gzip.compress((folder / name).read_bytes(), 6)) for name in START_PAGE)
