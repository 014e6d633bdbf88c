"""Ladders of a scenario: which trial is drawn, when a drawing stays, and what the picture shows of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from samples import scenario, trial
from sites import HOSTILE, drawing, published

from hangup import paths
from hangup.catalogue import load_catalogue
from hangup.conduct.rundir import RunFolder
from hangup.errors import StoreError
from hangup.site.diagram import svg
from hangup.store import ClientResults
from hangup.store.drawings import Drawing, drawing_file, load_drawings, rank, read_drawing, save_drawings, still_true

NORMAL = {"normal": scenario()}
SVG = "{http://www.w3.org/2000/svg}"


def results(client: str) -> ClientResults:
    return next(r for r in published() if r.client == client and r.platform == "netns")


def run_with(root: Path, *clients: str, over_ns: int = 1) -> Path:
    folder = RunFolder.create(root)
    for client in clients:
        folder.add(trial(client=client, name=client, over_ns=over_ns))
    folder.close()
    return folder.path


def saved(root: Path, run: Path, *clients: str, stack: dict[str, object] | None = None) -> Drawing:
    """Publish the run of these clients, and read the drawing of ``normal`` for stream clients back."""
    its = {client: results(client) for client in clients}
    if stack:
        its = {name: r.model_copy(update={"stack": r.stack.model_copy(update=stack)}) for name, r in its.items()}
    save_drawings(root, run, its, NORMAL, NORMAL)
    return read_drawing(drawing_file(root, "netns", "stream", "normal"))


class TestWhatIsDrawn:
    def test_the_preferred_client_wins(self, tmp_path: Path) -> None:
        clients = ("go/net", "python/socket")
        assert saved(tmp_path / "out", run_with(tmp_path, *clients), *clients).client == "python/socket"

    def test_without_it_the_first_by_name(self, tmp_path: Path) -> None:
        clients = ("node/net", "go/net")
        assert saved(tmp_path / "out", run_with(tmp_path, *clients), *clients).client == "go/net"

    def test_a_trial_that_is_void_is_not_drawn(self, tmp_path: Path) -> None:
        folder = RunFolder.create(tmp_path)
        folder.add(trial(name="void", invalid="no RST"))
        folder.add(trial(name="valid"))
        folder.close()
        assert saved(tmp_path / "out", folder.path, "python/socket").rows

    def test_the_same_versions_leave_it_as_it_was(self, tmp_path: Path) -> None:
        first = saved(tmp_path / "out", run_with(tmp_path, "python/socket"), "python/socket")
        assert saved(tmp_path / "out", run_with(tmp_path, "python/socket"), "python/socket") == first
        path = drawing_file(tmp_path / "out", "netns", "stream", "normal")
        before = path.stat().st_mtime_ns
        saved(tmp_path / "out", run_with(tmp_path, "go/net"), "go/net")
        assert path.stat().st_mtime_ns == before

    def test_another_version_is_drawn_anew(self, tmp_path: Path) -> None:
        saved(tmp_path / "out", run_with(tmp_path, "python/socket"), "python/socket")
        newer = saved(tmp_path / "out", run_with(tmp_path, "python/socket"), "python/socket", stack={"runtime": "new"})
        assert newer.stack.runtime == "new"

    def test_a_preferred_client_takes_the_place_of_another(self, tmp_path: Path) -> None:
        assert saved(tmp_path / "out", run_with(tmp_path, "go/net"), "go/net").client == "go/net"
        assert saved(tmp_path / "out", run_with(tmp_path, "python/socket"), "python/socket").client == "python/socket"

    def test_another_script_makes_it_untrue(self) -> None:
        older = drawing().model_copy(update={"script": ("client: something else",)})
        assert still_true(drawing(), results("python/socket"), scenario("rst-mid-body"))
        assert not still_true(older, results("python/socket"), scenario("rst-mid-body"))

    def test_one_of_a_scenario_that_is_gone_is_removed(self, tmp_path: Path) -> None:
        saved(tmp_path / "out", run_with(tmp_path, "python/socket"), "python/socket")
        path = drawing_file(tmp_path / "out", "netns", "stream", "normal")
        gone = path.with_name("gone.json")
        gone.write_bytes(path.read_bytes())
        saved(tmp_path / "out", run_with(tmp_path, "python/socket"), "python/socket")
        assert not gone.exists()
        assert path.exists()

    def test_one_of_another_script_is_not_shown(self, tmp_path: Path) -> None:
        saved(tmp_path, run_with(tmp_path, "python/socket"), "python/socket")
        assert len(load_drawings(tmp_path, NORMAL)) == 1
        changed = {"normal": scenario("rst-mid-body").model_copy(update={"id": "normal"})}
        assert load_drawings(tmp_path, changed) == []


def test_what_is_published_is_of_the_present_scripts() -> None:
    root = paths.published_results()
    files = {path.relative_to(root) for path in (root / "drawings").glob("*/*/*.json")}
    shown = load_drawings(root, load_catalogue())
    assert {drawing_file(root, d.platform, d.layer, d.scenario).relative_to(root) for d in shown} == files


def test_the_order_of_clients_is_total() -> None:
    assert sorted(["node/net", "python/http.client", "go/net", "python/socket"], key=rank) == [
        "python/socket", "python/http.client", "go/net", "node/net",
    ]  # fmt: skip


DAMAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "cut short": (lambda text: text[:100], "line 3: cut short or not JSON"),
    "without its end": (
        lambda text: re.sub(r',\s*"end".*', "}", text, flags=re.DOTALL),
        "incomplete, its closing record is missing",
    ),
    "with rows missing": (lambda text: re.sub(r'"rows": \d+', '"rows": 99', text), "incomplete, 2 rows of 99"),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_named(tmp_path: Path, damage: Callable[[str], str], said: str) -> None:
    saved(tmp_path, run_with(tmp_path, "python/socket"), "python/socket")
    path = drawing_file(tmp_path, "netns", "stream", "normal")
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(StoreError, match=rf"normal\.json: {said}"):
        load_drawings(tmp_path, NORMAL)


class TestPicture:
    def texts(self, picture: Drawing) -> list[str]:
        return [element.text or "" for element in ET.fromstring(svg(picture)).iter(f"{SVG}text")]

    def test_every_word_of_a_row_is_there(self) -> None:
        texts = self.texts(drawing())
        for word in ("SYN", "FIN ACK", "seq 1 ack 1", "accept", "close", "kernel: no socket", "12.500", "exchange …"):
            assert word in texts

    def test_packets_point_to_who_gets_them(self) -> None:
        arrows = [
            (group.get("class"), path.get("d"))
            for group in ET.fromstring(svg(drawing())).iter(f"{SVG}g")
            for path in group.iter(f"{SVG}path")
            if path.get("class") == "arrow"
        ]
        ways = [(kind, int(way.partition("H")[2]) > int(way[1:].partition(" ")[0])) for kind, way in arrows if way]
        assert ways == [("data", True), ("fin", False), ("rst", False)]

    def test_rows_do_not_overlap(self) -> None:
        long = drawing(text="exchange → requests.exceptions.ConnectionError: a long text that takes several lines")
        picture = ET.fromstring(svg(long))
        lines = [int(element.get("y") or 0) for element in picture.iter(f"{SVG}text") if element.get("x") == "82"]
        assert lines == sorted(lines)
        assert len(set(lines)) == len(lines)
        assert max(lines) < int((picture.get("viewBox") or "").split()[3])

    @pytest.mark.parametrize("text", HOSTILE)
    def test_texts_are_escaped(self, text: str) -> None:
        shown = "".join(self.texts(drawing(text=text)))
        assert re.sub(r"\s", "", text) in re.sub(r"\s", "", shown)
