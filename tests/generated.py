"""Whether generated files are current: the protocol's schema, tables and index of results/, the README's excerpt.

`python tests/generated.py` tells, with exit status 1 where one is stale; `--write` makes them anew.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tabulate import tabulate

from hangup.agents import protocol
from hangup.catalogue import load_catalogue
from hangup.lookup.build import build
from hangup.lookup.index import FILE, dump
from hangup.matrix import judged
from hangup.store import load_kernel, load_results
from hangup.tables import csv_table, matrix_page, readme_page, scenarios_page

ROOT = Path(__file__).resolve().parents[1]
PLATFORM = "netns"
CLIENTS = ("python/requests", "python/aiohttp", "go/net-http", "java/httpurlconnection", "java/httpclient", "node/http")
SCENARIOS = (
    "fin-before-response", "rst-before-response", "fin-mid-head", "fin-mid-body", "rst-mid-body",
    "reuse-after-fin-post-again", "connect-timeout",
)  # fmt: skip
BLOCK = re.compile(r"(<!-- excerpt: [^\n]*-->\n).*?(<!-- /excerpt -->)", re.DOTALL)


def expected() -> dict[Path, str]:
    """What each generated file should hold."""
    results = load_results(ROOT / "results")
    catalogue = load_catalogue()
    columns = [
        {cell.scenario.id: cell.short for cell in judged(results[PLATFORM, client], catalogue)} for client in CLIENTS
    ]
    rows = [[f"`{name}`", *(column.get(name, "–") for column in columns)] for name in SCENARIOS]
    excerpt = tabulate(rows, headers=["", *CLIENTS], tablefmt="github", disable_numparse=True)
    readme = ROOT / "README.md"
    everything = list(results.values())
    return {
        protocol.SCHEMA_FILE: protocol.schema_text(),
        readme: BLOCK.sub(rf"\g<1>{excerpt}\n\g<2>", readme.read_text(encoding="utf-8")),
        ROOT / "results" / "MATRIX.md": matrix_page(everything, catalogue),
        ROOT / "results" / "SCENARIOS.md": scenarios_page(everything, catalogue, load_kernel(ROOT / "results")),
        ROOT / "results" / "matrix.csv": csv_table(everything, catalogue),
        ROOT / "results" / "README.md": readme_page(everything, catalogue),
        ROOT / "results" / FILE: dump(build(everything, catalogue)),
    }


def main() -> int:
    """The number of stale files, at most 1."""
    stale = [path for path, text in expected().items() if not path.exists() or path.read_bytes() != text.encode()]
    for path in stale:
        if "--write" in sys.argv:
            path.write_text(expected()[path], encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {'written' if '--write' in sys.argv else 'stale'}")
    if stale and "--write" not in sys.argv:
        print("make them anew with: python tests/generated.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
