"""How quick the site is: `nox -s bench -- site`. In headless chromium, from a folder, and only printed.

The matrix is measured as it is published, and as it would be with 100 clients and 140 scenarios.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from sites import joined, published, weight, write_site

from hangup.catalogue import Scenario, load_catalogue
from hangup.lookup.build import build as build_index
from hangup.site.build import Extras, Pages
from hangup.site.model import join
from hangup.site.texts import error_texts
from hangup.store import ClientResults

CLIENTS, SCENARIOS = 100, 140

SEARCH = """(texts) => texts.map((text) => {
  const field = document.querySelector("#query");
  const start = performance.now();
  field.value = text;
  hangupLookup(hangupIndex, text).flatMap(told);
  return performance.now() - start;
})"""
FILTER = """() => {
  const box = document.querySelector("[name=misleading]");
  const start = performance.now();
  box.click();
  document.body.offsetHeight;  // the layout too
  return performance.now() - start;
}"""
READY = """addEventListener("DOMContentLoaded", () => setTimeout(() => {
  document.body.offsetHeight;
  window.readyAfter = performance.now();
}))"""
"""Milliseconds from the start of the navigation until the page is there, its scripts have run and it is laid out."""


def many() -> tuple[list[ClientResults], dict[str, Scenario]]:
    """The published results again and again, under other names."""
    catalogue = load_catalogue()
    originals = published()
    measured = [name for name in catalogue if any(name in r.cells for r in originals)]
    names = {f"{name}-{n}": name for n in range(SCENARIOS // len(measured) + 1) for name in measured}
    chosen = dict(list(names.items())[:SCENARIOS])
    more = {new: catalogue[old].model_copy(update={"id": new}) for new, old in chosen.items()}
    results = []
    for number in range(CLIENTS):
        r = originals[number % len(originals)]
        cells = {new: r.cells[old] for new, old in chosen.items() if old in r.cells}
        results.append(r.model_copy(update={"client": f"{r.client}-{number}", "cells": cells}))
    return results, more


def site() -> None:
    """Print it all."""
    with tempfile.TemporaryDirectory(prefix="hangup-bench-") as name, sync_playwright() as playwright:
        folder = Path(name) / "site"
        start = time.perf_counter()
        write_site(folder, published())
        seconds = time.perf_counter() - start
        files = sum(path.is_file() for path in folder.rglob("*"))
        print(f"{'the whole site':44} {files:8} files, built in {seconds:.1f} s")
        print(f"{'the start page with all that it loads':44} {weight(folder) / 1000:8.1f} kB compressed (budget 150)")
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        search(chromium, folder)
        matrix(chromium, folder, "the matrix as it is published")
        large, catalogue = many()
        large_site = join(large, catalogue, {})
        page, text = Pages(large_site, Extras(build_index(published()[:1], load_catalogue()))).matrix()
        (folder / page).write_text(text, encoding="utf-8")
        matrix(chromium, folder, f"the matrix, {CLIENTS} clients and {SCENARIOS} scenarios")
        chromium.close()


def search(chromium: Browser, folder: Path) -> None:
    """How long answers take, shown, for every text and every trace that was measured."""
    texts = [text.text for text in error_texts(joined(published()))]
    traces = sorted({
        op.printed for r in published() for cell in r.cells.values()
        for observation in cell.observations for op in observation.operations if op.printed
    })  # fmt: skip
    page = chromium.new_page()
    page.goto(f"{folder.as_uri()}/index.html")
    for title, said in (("an error text", texts), ("a whole trace", traces)):
        times = page.evaluate(SEARCH, said)
        print(f"{'search, ' + title:44} {statistics.median(times):8.1f} ms, slowest of {len(said)}: "
              f"{max(times):.1f} ms (budget 50)")  # fmt: skip
    page.close()


def matrix(chromium: Browser, folder: Path, title: str) -> None:
    """How long until the filters answer, and how long an answer takes."""
    ready, filtered = [], []
    for _ in range(5):
        page = chromium.new_page()
        page.add_init_script(READY)
        page.goto(f"{folder.as_uri()}/matrix.html")
        page.wait_for_function("window.readyAfter && document.querySelector('#filters output').value !== ''")
        ready.append(page.evaluate("window.readyAfter"))
        filtered.append(page.evaluate(FILTER))
        page.close()
    size = (folder / "matrix.html").stat().st_size
    print(f"{title:44} {statistics.median(ready):8.0f} ms until interactive (budget 1000), "
          f"a filter {statistics.median(filtered):.0f} ms; {size / 1000:.0f} kB")  # fmt: skip
