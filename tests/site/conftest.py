"""The built site in a real browser: headless chromium, driven by Playwright, from a folder and not a server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from opening import Opener
from playwright.sync_api import Browser, Page, sync_playwright
from sites import HOSTILE, drawing, hostile, published, write_site

LEFT = "net::ERR_ABORTED"
"""The page was left before that file, such as its icon, was there."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a module: Playwright's event loop must not outlive them."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("a browser: neither chromium nor google-chrome is installed")
    with sync_playwright() as playwright:
        # Its sandbox needs rights that a container has not got; it is shown pages of ours only.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published site, with a ladder on some of its pages."""
    drawings = [drawing(), drawing("python/requests")]
    return write_site(tmp_path_factory.mktemp("site"), published(), drawings)


@pytest.fixture(scope="session")
def harmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of clients that say what would harm a page that believed them."""
    results = [hostile(r) for r in published()]
    return write_site(tmp_path_factory.mktemp("harmed"), results, [drawing(text=HOSTILE[0])])


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opener]:
    """Opens a page of a site. Whatever it complains of, and whatever it asks of another host, fails the test."""
    contexts = []
    complaints: list[str] = []

    def complain(text: str) -> None:
        complaints.append(text)

    def open_page(folder: Path, address: str, **context: object) -> Page:
        made = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | context))
        contexts.append(made)
        page = made.new_page()
        page.on("console", lambda message: complain(f"{address}: {message.type}: {message.text}"))
        page.on("pageerror", lambda error: complain(f"{address}: {error}"))
        page.on("dialog", lambda dialog: complain(f"{address}: a dialog: {dialog.message}"))
        page.on("requestfailed", lambda r: None if r.failure == LEFT else complain(f"{address}: not loaded: {r.url}"))
        page.on(
            "request", lambda r: None if r.url.startswith(("file:", "data:")) else complain(f"{address}: asked {r.url}")
        )
        page.goto(f"{folder.as_uri()}/{address}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which `nox -s tests_site` installs."""
    path = os.environ.get("AXE_CORE")
    if path is None:
        pytest.skip("axe-core: AXE_CORE does not name an axe.min.js")
    return Path(path).read_text(encoding="utf-8")
