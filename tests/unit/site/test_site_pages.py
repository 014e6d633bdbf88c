"""The pages as files: whole, escaped, linked to each other and to nobody else."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from sites import HOSTILE, START_PAGE, drawing, hostile, joined, published, weight, write_site

from hangup.site import addresses as at
from hangup.site.build import prose
from hangup.store.model import Cell

VOID = {"meta", "link", "img", "br", "input", "hr"}
OUR_SCRIPTS = {"site.js", "settle.js", "index.js", "lookup.js"}


@dataclass
class Read:
    """What is in a page."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    scripts: list[str | None] = field(default_factory=list)
    handlers: list[str] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    text: str = ""


class Reader(HTMLParser):
    """Reads one page."""

    def __init__(self) -> None:
        super().__init__()
        self.read = Read()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        its = dict(attrs)
        if tag == "a" and its.get("href"):
            self.read.links.append(its["href"] or "")
        if tag in ("img", "script", "link") and its.get("rel") != "canonical":
            self.read.loaded.append(its.get("src") or its.get("href") or "")
        if tag == "script":
            self.read.scripts.append(its.get("src"))
        self.read.ids += [value or "" for name, value in attrs if name == "id"]
        self.read.handlers += [name for name in its if name.startswith("on")]
        if tag not in VOID and tag not in ("td", "tr"):  # the matrix leaves their ends out, as HTML permits
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "tr"):
            return
        if not self._open or self._open.pop() != tag:
            self.read.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.read.text += data


def read(path: Path) -> Read:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return reader.read


@cache
def pages(folder: Path) -> tuple[tuple[Path, Read], ...]:
    return tuple((path, read(path)) for path in sorted(folder.rglob("*.html")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(tmp_path_factory.mktemp("site"), published(), [drawing(), drawing("python/requests")])


@pytest.fixture(scope="module")
def harmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of clients that say hostile things."""
    drawings = [drawing(text=text) for text in HOSTILE[:1]]
    return write_site(tmp_path_factory.mktemp("harmed"), [hostile(r) for r in published()], drawings)


class TestEveryPage:
    def test_leads_to_pages_that_are_there(self, folder: Path) -> None:
        missing = [
            (str(path.relative_to(folder)), link)
            for path, page in pages(folder)
            for link in page.links + page.loaded
            if not urlsplit(link).scheme and urlsplit(link).path
            and not (path.parent / unquote(urlsplit(link).path)).is_file()
        ]  # fmt: skip
        assert missing == []

    def test_leads_to_places_that_are_there(self, folder: Path) -> None:
        for path, page in pages(folder):
            inner = [link[1:] for link in page.links if link.startswith("#")]
            assert set(inner) <= set(page.ids), path

    def test_loads_nothing_from_elsewhere(self, folder: Path) -> None:
        for path, page in pages(folder):
            assert [name for name in page.loaded if urlsplit(name).scheme or name.startswith("//")] == [], path

    def test_is_well_formed_and_has_each_id_once(self, folder: Path) -> None:
        for path, page in pages(folder):
            assert page.unbalanced == [], path
            assert len(page.ids) == len(set(page.ids)), path

    def test_says_what_clients_say_as_text(self, harmed: Path) -> None:
        for path, page in pages(harmed):
            assert page.unbalanced == [], path
            assert page.handlers == [], path
            assert {Path(name or "inline").name for name in page.scripts} <= OUR_SCRIPTS, path
        said = "".join(page.text for path, page in pages(harmed) if path.parent.name == "error")
        for text in HOSTILE:
            assert text in said


def test_every_cell_scenario_and_client_has_its_pages(folder: Path) -> None:
    site = joined(published())
    expected = {at.cell(*cell) for cell in site.entries} | {at.badge(*cell) for cell in site.entries}
    expected |= {at.scenario(name) for name in site.of_scenario} | {at.client(name) for name in site.of_client}
    expected |= {at.scenario_table(name) for name in site.of_scenario}
    expected |= {at.client_table(name) for name in site.of_client}
    assert {page for page in expected if not (folder / page).is_file()} == set()


def test_a_cell_tells_its_chain_what_is_printed_and_how_to_reproduce_it(folder: Path) -> None:
    text = read(folder / at.cell("python/requests", "rst-mid-body")).text
    for expected in (
        "requests.exceptions.ChunkedEncodingError", "ECONNRESET", "Traceback (most recent call last)",
        "(Zeek's state RSTR, history ShDdr)", "hangup play rst-mid-body --client python/requests",
        "a retry may do it a second time",
    ):  # fmt: skip
        assert expected in text


def test_why_the_rst_was_sent_is_told_once_for_platforms_that_agree(folder: Path) -> None:
    text = read(folder / at.scenario("rst-mid-body")).text
    assert text.count("Linux 6.18 says of the peer's RST: TCP_STATE, the socket was aborted") == 1
    assert "SOCK_DESTROY (docker, netns)." in text


def test_a_cell_has_each_platform_s_own_reason_under_its_heading(folder: Path) -> None:
    text = read(folder / at.cell("java/socket", "tls-alert-then-rst")).text  # their versions word it otherwise
    on_docker, _, on_netns = text.partition("On docker")[2].partition("On netns")
    for part, own, other in ((on_docker, "(docker)", "(netns)"), (on_netns, "(netns)", "(docker)")):
        evidence = part.partition("Evidence")[2].partition("The packets")[0]
        assert f"SOCK_DESTROY {own}" in evidence
        assert other not in evidence


def test_what_ran_is_told_of_each_platform(folder: Path) -> None:
    """Also where the cells are alike and share a heading."""
    text = read(folder / at.cell("python/requests", "rst-mid-body")).text
    runs = [r for r in published() if r.client == "python/requests"]
    assert {r.platform for r in runs} == {"docker", "netns"}
    for r in runs:
        told = text.rpartition(f"({r.platform})")[0].rpartition("Measured in ")[2]
        assert r.stack.runtime in told


def test_a_captured_cell_has_its_ladder_and_its_packets(folder: Path) -> None:
    page = read(folder / at.cell("python/requests", "rst-mid-body"))
    capture = at.capture("python/requests", "rst-mid-body")
    assert "../../../" + capture in page.links
    assert (folder / capture).read_bytes() == b"a capture"
    assert "kernel: no socket" in page.text


def test_a_scenario_shows_the_ladder_of_the_client_that_is_drawn_best(folder: Path) -> None:
    text = read(folder / at.scenario("rst-mid-body")).text
    assert "The packets, with python/socket" in text  # a stream client
    assert "The packets, with python/requests" in text  # the only HTTP client that was drawn


def test_a_cell_that_varies_and_one_without_a_result_say_so(tmp_path: Path) -> None:
    one = next(r for r in published() if r.client == "python/requests")
    eof, reset = (one.cells[name].observations[0] for name in ("fin-before-response", "rst-before-response"))
    varies = Cell(
        observations=(eof.model_copy(update={"share": "mostly"}), reset.model_copy(update={"share": "rarely"}))
    )
    cells = {"rst-mid-body": varies, "fin-mid-body": Cell(invalid="no RST was seen"), "refused": Cell(fault="it hung")}
    folder = write_site(tmp_path, [one.model_copy(update={"cells": cells})])
    text = read(folder / at.cell("python/requests", "rst-mid-body")).text
    assert "Verdict (mostly)" in text
    assert "Verdict (rarely)" in text
    assert "eof / reset" in read(folder / at.MATRIX).text
    for name, why in (("fin-mid-body", "no RST was seen"), ("refused", "it hung")):
        text = read(folder / at.cell("python/requests", name)).text
        assert "No result." in text
        assert why in text


def test_words_between_backticks_are_code_and_nothing_else_is_markup() -> None:
    assert prose("a `b<c>` & `d`, <e>") == "a <code>b&lt;c&gt;</code> &amp; <code>d</code>, &lt;e&gt;"


def test_an_address_is_cited_whole_where_it_is_known(tmp_path: Path) -> None:
    folder = write_site(tmp_path, published()[:2], base_url="https://example.org/hangup/")
    client = published()[0].client
    text = read(folder / at.cell(client, "normal")).text
    assert f"](https://example.org/hangup/cell/{client}/normal.html)" in text
    assert f"](https://example.org/hangup/badge/{client}/normal.svg)" in text


def test_every_image_is_well_formed(harmed: Path) -> None:
    images = sorted(harmed.rglob("*.svg"))
    assert images
    for path in images:
        ET.parse(path)


def test_the_start_page_is_light(folder: Path) -> None:
    assert set(read(folder / "index.html").loaded) == set(START_PAGE) - {"index.html"}
    assert weight(folder) < 175_000  # of which the index of some 300 documented errors and all measured texts is most
