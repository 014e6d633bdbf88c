"""What a reader does: searches, filters, follows a permanent address; by keyboard, on a telephone, without scripts."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from opening import Opener
from playwright.sync_api import Page, expect
from sites import HOSTILE, START_PAGE, joined, published

from hangup.cli.lookup import command
from hangup.judge import Outcome

pytestmark = pytest.mark.browser

SITE = joined(published())
ONE_OF_EACH = (
    "index.html", "index.html#q=Connection+reset+by+peer", "about.html",
    "matrix.html#language=go", "matrix.html#language=go&letters=on", "matrix.html#language=java&misleading=on",
    "scenario/index.html", "scenario/rst-mid-body.html", "client/index.html", "client/python/requests.html",
    "client/go/net-http.html", "client/python/socket.html", "cell/python/requests/rst-mid-body.html",
    "cell/java/httpurlconnection/fin-mid-body.html", "error/index.html", "error/socket-hang-up-2e5e4963.html",
    "embed/scenario/refused.html", "embed/client/go/net.html",
)  # fmt: skip
AXE = """axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"],
  preload: false,  // it would fetch the stylesheet once more, which no page that was opened from a folder may
})"""

SEEN = """(() => {
  const link = document.activeElement, { left, right, top, bottom } = link.getBoundingClientRect();
  const corners = [[left + 2, top + 2], [right - 2, top + 2], [left + 2, bottom - 2], [right - 2, bottom - 2]];
  return corners.every(([x, y]) => link.contains(document.elementFromPoint(x, y)));
})()"""
"""Whether nothing covers what has the focus."""

SEARCHED = (
    "Connection reset by peer", "ERR_CONNECTION_RESET",
    "Error: socket hang up\ndial tcp 10.0.0.1:80: connect: connection refused",
)  # fmt: skip
LINES = """all => all.map((node) => {
  const range = document.createRange();
  range.selectNodeContents(node);
  return range.getClientRects().length;
})"""
"""On how many lines the text of each stands."""
SCORED = re.compile(r"^  (\d\.\d\d)  (.*\S)", re.MULTILINE)


class TestSearch:
    def test_a_text_leads_to_its_client_and_its_ending(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "index.html")
        page.get_by_label("Paste an error text").fill("2026-01-01 12:00:00 ERROR Error: socket hang up")
        answer = page.locator("#answer")
        expect(answer.locator("ol").first.locator("li").first).to_contain_text("node/http")
        ending = answer.locator("a[href^='scenario/']").first
        title = ending.inner_text()
        ending.click()
        expect(page).to_have_url(re.compile("/scenario/[a-z0-9-]+.html$"))
        expect(page.locator(".lead")).to_have_text(f"{title}.")

    def test_an_answer_leads_to_its_cell(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "index.html#q=unexpected+EOF")
        page.locator("#answer a[href^='cell/']").first.click()
        expect(page).to_have_url(re.compile("/cell/[a-z]+/[a-z0-9.-]+/[a-z0-9-]+.html$"))

    def test_an_example_is_a_click_away_and_has_an_address(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "index.html")
        page.get_by_role("button", name="socket hang up").click()
        expect(page.locator("#answer")).to_contain_text("node/http")
        assert page.url.endswith("#q=socket+hang+up")
        again = opened(folder, page.url.rpartition("/")[2])
        expect(again.locator("#answer")).to_contain_text("node/http")

    def test_what_nobody_says_is_not_known(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "index.html#q=xyzzy+plugh")
        expect(page.locator("#answer")).to_contain_text("No client that was measured says this")
        expect(page.locator("#answer")).to_contain_text("Give the whole stack trace")

    def test_what_is_documented_is_not_shown_as_measured(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "index.html#q=ERR_CONNECTION_RESET")
        answer = page.locator("#answer")
        expect(answer).to_contain_text("This is documented, and was not measured")
        expect(answer.locator("ol").first).to_contain_text("A TCP RST, by the server or by something between.")
        expect(answer).not_to_contain_text("This text was measured")

    @pytest.mark.parametrize("text", SEARCHED)
    def test_it_tells_what_the_command_line_tells(self, opened: Opener, folder: Path, text: str) -> None:
        said = [part.split("\n\n") for part in CliRunner().invoke(command, [text]).output.split("Another error")]
        page = opened(folder, f"index.html#{urlencode({'q': text})}")
        lists = [
            [item.split("\n") for item in found.locator("> li").all_inner_texts()]
            for found in page.locator("#answer .ranking").all()
        ]
        assert len(lists) == 3 * len(said)
        for number, paragraphs in enumerate(said):
            who, wire, scenarios = (
                SCORED.findall(next(paragraph for paragraph in paragraphs if paragraph.startswith(heading)))
                for heading in ("Who says this", "What happened on the wire", "Scenarios")
            )
            clients, endings, places = lists[3 * number : 3 * number + 3]
            assert [score for score, *_ in clients] == [score for score, _ in who]
            names = [re.split(r" +(?:measured|documented)", its)[0] for _, its in who]
            assert all(told.startswith(name) for (_, told, *_), name in zip(clients, names, strict=True))
            assert [tuple(item) for item in endings] == wire
            titles = [(score, f"{SITE.catalogue[its.split()[0]].title}.") for score, its in scenarios]
            assert [(score, title) for score, title, *_ in places] == titles
        answer = page.locator("#answer")
        expect(answer.get_by_role("heading", name="Another error of the same text")).to_have_count(len(said) - 1)
        for sentence in ("Capture it", "Which of"):
            told = answer.get_by_role("listitem").filter(has_text=re.compile(f"^{sentence}"))
            expect(told).to_have_count(sum("\n".join(part).count(f"• {sentence}") for part in said))

    def test_what_explains_less_stands_back(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "index.html#q=ConnectionResetError:+[WinError+10054]")
        weak = page.locator("#answer .weak .score").all_inner_texts()
        rest = page.locator("#answer .ranking li:not(.weak) .score").all_inner_texts()
        assert weak
        assert set(weak).isdisjoint(rest)
        page.set_viewport_size({"width": 360, "height": 740})
        lines = page.locator("#answer .score").evaluate_all(LINES)
        assert set(lines) == {1}  # none is broken

    def test_an_address_is_followed_where_the_page_is_open(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "index.html#q=socket+hang+up")
        page.evaluate("location.hash = 'q=unexpected+EOF'")
        expect(page.get_by_label("Paste an error text")).to_have_value("unexpected EOF")
        expect(page.locator("#answer")).to_contain_text("go/net-http")
        page.get_by_role("link", name="To the content").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_label("Paste an error text")).to_have_value("unexpected EOF")

    def test_a_long_text_stands_in_no_address(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "index.html#q=unexpected+EOF")
        page.get_by_label("Paste an error text").fill("Error: socket hang up\n" + "at a.b.c (d.js) " * 500)
        expect(page.locator("#answer")).to_contain_text("node/http")
        assert page.url.endswith("index.html#")

    def test_an_empty_question_has_no_answer(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "index.html#q=socket+hang+up")
        page.get_by_label("Paste an error text").fill("")
        expect(page.locator("#answer")).to_be_hidden()


class TestMatrix:
    def rows(self, page: Page) -> list[str]:
        return page.locator(".matrix tbody th:visible").all_inner_texts()

    def columns(self, page: Page) -> list[str]:
        return [name.replace("\n", "") for name in page.locator(".matrix thead th:visible").all_inner_texts()[1:]]

    def test_language_and_layer_choose_clients(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "matrix.html")
        page.get_by_label("Language").select_option("go")
        assert set(self.columns(page)) == {"go/net", "go/net-http"}
        page.get_by_label("Layer").select_option("http")
        assert self.columns(page) == ["go/net-http"]
        assert "write-after-fin" not in self.rows(page)  # which no HTTP client can play

    def test_an_outcome_leaves_only_where_it_is(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "matrix.html")
        page.get_by_label("Outcome").select_option("silent-truncation")
        found = [entry for entry in SITE.entries.values() if Outcome.SILENT_TRUNCATION in entry.outcomes]
        assert set(self.rows(page)) == {entry.scenario.id for entry in found}
        assert set(self.columns(page)) == {entry.client for entry in found}

    def test_only_misleading(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "matrix.html")
        page.get_by_label("only misleading").check()
        assert page.locator(".matrix td:visible:not(.other)").all_inner_texts()
        assert all("!" in text for text in page.locator(".matrix td:visible:not(.other)").all_inner_texts())

    def test_only_where_clients_differ(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "matrix.html")
        page.get_by_label("only where clients differ").check()
        rows = self.rows(page)
        assert "fin-mid-body" in rows
        assert "normal" not in rows

    def test_filters_are_in_the_address_and_are_undone(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "matrix.html")
        page.get_by_label("Scenario").fill("mid-head")
        wanted = [name for name in SITE.of_scenario if "mid-head" in name]
        expect(page.get_by_role("status")).to_contain_text(f"{len(wanted)} of {len(SITE.of_scenario)} scenarios")
        again = opened(folder, page.url.rpartition("/")[2])
        assert self.rows(again) == self.rows(page) == wanted
        again.get_by_role("button", name="Show all").click()
        expect(again.locator("tr#normal")).to_be_visible()

    def test_filters_are_followed_where_the_page_is_open(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "matrix.html#language=go&letters=on")
        page.evaluate("location.hash = 'language=node'")
        expect(page.get_by_label("letters only")).not_to_be_checked()
        assert {name.partition("/")[0] for name in self.columns(page)} == {"node"}
        page.get_by_role("link", name="What the words mean").click()
        assert page.url.endswith("#legend")
        assert {name.partition("/")[0] for name in self.columns(page)} == {"node"}
        assert opened(folder, "matrix.html#legend").url.endswith("#legend")

    def test_letters_keep_their_words_for_who_listens(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "matrix.html#letters=on")
        cell = page.locator("tr#fin-mid-head td.silent-truncation a").first
        assert cell.evaluate("node => getComputedStyle(node, '::before').content").startswith('"½"')
        expect(cell).to_have_accessible_name("silent-truncation !")

    def test_the_head_row_and_column_stay(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "matrix.html")
        page.set_viewport_size({"width": 700, "height": 500})
        page.locator("#matrix").evaluate("node => node.scrollTo(900, 400)")
        box = page.locator("#matrix").bounding_box()
        corner = page.locator(".matrix thead th").first.bounding_box()
        assert box is not None
        assert corner is not None
        assert abs(box["x"] - corner["x"]) < 3
        assert abs(box["y"] - corner["y"]) < 3

    def test_the_arrow_keys_go_over_what_is_shown_to_a_cell(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "matrix.html#language=go&layer=http")
        page.locator("tr#normal th a").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        second = SITE.of_client["go/net-http"][1].scenario.id
        expect(page).to_have_url(re.compile(f"/cell/go/net-http/{second}.html$"))

    @pytest.mark.parametrize("width", [1280, 360])
    @pytest.mark.parametrize("address", ["matrix.html", "matrix.html#letters=on"])
    def test_the_arrow_keys_go_to_no_cell_that_is_covered(
        self, opened: Opener, folder: Path, address: str, width: int
    ) -> None:
        page = opened(folder, address, viewport={"width": width, "height": 740})
        page.locator(".matrix tbody tr:nth-child(60) td:nth-child(9) a").focus()
        for key in ["ArrowUp"] * 40 + ["ArrowLeft"] * 6:
            page.keyboard.press(key)
            assert page.evaluate(SEEN), page.evaluate("document.activeElement.href")


def test_a_permanent_address_opens_its_cell(opened: Opener, folder: Path) -> None:
    page = opened(folder, "cell/python/requests/rst-mid-body.html")
    expect(page.get_by_role("heading", level=1)).to_contain_text("python/requests in rst-mid-body")
    expect(page.get_by_role("img", name="python/requests in rst-mid-body:")).to_be_visible()


def test_the_start_page_loads_what_its_weight_counts(opened: Opener, folder: Path) -> None:
    page = opened(folder, "about.html")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(f"{folder.as_uri()}/index.html")
    page.wait_for_load_state("load")
    assert {url.removeprefix(f"{folder.as_uri()}/") for url in loaded} <= set(START_PAGE)


@pytest.mark.parametrize("address", ONE_OF_EACH)
def test_nothing_overflows(opened: Opener, folder: Path, address: str) -> None:
    page = opened(folder, address, viewport={"width": 360, "height": 740})
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    for width in (360, 768):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("address", ["client/python/requests.html", "client/java/httpclient.html"])
def test_what_scrolls_breaks_no_name(opened: Opener, folder: Path, address: str) -> None:
    page = opened(folder, address, viewport={"width": 360, "height": 740})
    broken = page.locator(".scroll th code").evaluate_all(
        "all => all.filter((code) => code.getClientRects().length > code.textContent.split(' ').length)"
        ".map((code) => code.textContent)"
    )
    assert broken == []


@pytest.mark.parametrize("address", ONE_OF_EACH)
def test_contrast_names_and_structure(opened: Opener, folder: Path, axe: str, address: str) -> None:
    page = opened(folder, address)
    page.evaluate(axe)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate(AXE)["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in found] == [], scheme


class TestWithoutScripts:
    def test_the_matrix_leads_to_its_cells(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "matrix.html", java_script_enabled=False)
        expect(page.locator("#filters")).to_be_hidden()
        page.locator("tr#rst-mid-body td a").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("rst-mid-body")

    def test_the_start_page_says_where_to_look_instead(self, opened: Opener, folder: Path) -> None:
        page = opened(folder, "index.html", java_script_enabled=False)
        expect(page.get_by_text("The search needs scripts")).to_be_visible()


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_what_a_client_says_does_no_harm(opened: Opener, harmed: Path, number: int) -> None:
    page = opened(harmed, "error/index.html")
    shown = page.locator(".texts .text").filter(has_text=HOSTILE[number].strip()[:40]).first
    shown.click()
    expect(page.locator("pre code").first).to_contain_text(HOSTILE[number][:40].strip())
    page.goto(f"{harmed.as_uri()}/index.html")
    page.get_by_label("Paste an error text").fill(HOSTILE[number])
    expect(page.locator("#answer")).to_be_visible()
    page.goto(f"{harmed.as_uri()}/scenario/rst-mid-body.html")
    assert page.evaluate("window.harmed") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_the_matrix_prints_in_letters_on_wide_pages(opened: Opener, folder: Path) -> None:
    page = opened(folder, "matrix.html")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1047, "height": 718})  # A4 without a margin of 1 cm
    cell = page.locator("tr#fin-mid-head td.silent-truncation a").first
    assert cell.evaluate("node => getComputedStyle(node, '::before').content").startswith('"½"')
    assert cell.evaluate("node => getComputedStyle(node).fontSize") == "0px"
    small = page.locator(".matrix thead small").first
    assert float(small.evaluate("node => parseFloat(getComputedStyle(node).fontSize)")) < 10
    tall = page.locator(".matrix tbody th").evaluate_all("all => all.map((cell) => cell.offsetHeight)")
    assert max(tall) <= 1.5 * min(tall)  # no name is broken
    assert page.locator(".matrix").evaluate("node => node.offsetWidth") <= 1047
    assert b"/MediaBox [0 0 842" in page.pdf(format="A4", prefer_css_page_size=True)


def test_it_prints_without_what_only_a_screen_has(opened: Opener, folder: Path) -> None:
    page = opened(folder, "matrix.html")
    page.emulate_media(media="print")
    expect(page.locator("header")).to_be_hidden()
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator("tr#rst-mid-body")).to_be_visible()
