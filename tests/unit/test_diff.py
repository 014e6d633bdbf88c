"""What two sets of results differ in: every aspect is seen, ranked and shown, and what is alike is called alike."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hangup import paths
from hangup.catalogue import load_catalogue
from hangup.cli import main
from hangup.cli.diff import apart
from hangup.diff import ASPECTS, LEVELS, Change, Diff, compare
from hangup.judge import Outcome
from hangup.store import ClientResults, load_results, save
from hangup.store.model import SCHEMA

CATALOGUE = load_catalogue()
BODY = 1024
RESET = {"type": "ConnectionResetError", "errno": 104, "code": "ECONNRESET", "message": "[Errno 104] Connection reset"}
CAUGHT = {"type": "requests.exceptions.ConnectionError", "message": "('Connection aborted.', …)"}
SCENARIO = "rst-mid-body"

Json = dict[str, Any]
Edit = Callable[[Json], Any]
Run = Callable[..., "tuple[int, str, str]"]


def connection() -> Json:
    """One that the peer reset when it had read a request and sent a body."""
    return {"state": "RSTR", "history": "ShDdr", "rst": ["peer"], "sent": BODY, "requests": [{"method": "GET"}]}


def observation(*, share: str = "always") -> Json:
    """A reset in the middle of a body, as an HTTP client reports it."""
    failed = {"op": "exchange", "phase": "recv", "received": 0, "error": [dict(CAUGHT), dict(RESET)], "printed": "a\nb"}
    return {"share": share, "operations": [failed], "connections": [connection()]}


def cell(*edits: Edit) -> Json:
    """A cell of one observation, edited."""
    made = observation()
    for edit in edits:
        edit(made)
    return {"observations": [made]}


def results(*cells: Json, client: str = "python/requests", platform: str = "netns", **changed: Any) -> ClientResults:
    """Results of these cells, in the order of some scenarios of the catalogue."""
    named = dict(zip((SCENARIO, "rst-before-response", "fin-mid-body"), cells, strict=False))
    table = {
        "schema": SCHEMA, "about": "Made up.", "client": client, "layer": "http", "platform": platform, "proved": True,
        "trials": 10, "cells": named,
        "stack": {"runtime": "CPython 3.11.7", "versions": {"requests": "2.34.2"}, "system": "Linux 6.18"},
    }  # fmt: skip
    table |= changed
    return ClientResults.model_validate(table | {"end": {"cells": len(table["cells"])}})


def diff(old: ClientResults | Sequence[ClientResults], new: ClientResults | Sequence[ClientResults]) -> Diff:
    sides = [[side] if isinstance(side, ClientResults) else list(side) for side in (old, new)]
    return compare(sides[0], sides[1], CATALOGUE)


def truncated_silently(o: Json) -> None:
    o["operations"] = [{"op": "exchange", "status": 200, "received": BODY // 2}]


def succeeded(o: Json) -> None:
    o["operations"] = [{"op": "exchange", "status": 200, "received": BODY}]


def error(index: int, **changed: str) -> Edit:
    return lambda o: o["operations"][0]["error"][index].update(changed)


def tried_again(o: Json) -> None:
    """Another connection, whose request was not read whole."""
    o["connections"].append(connection() | {"requests": [{"method": "GET", "read": "partly"}]})


EDITS: dict[str, tuple[Edit, str, list[str]]] = {
    "bytes are missing silently": (
        truncated_silently, "truncation",
        ["outcome", "faithful", "lost", "type", "cause's type", "message", "cause's message", "printed"],
    ),
    "a success": (
        succeeded, "outcome",
        ["outcome", "lost", "type", "cause's type", "message", "cause's message", "printed"],
    ),
    "another outcome by the cause's code": (error(1, code="EPIPE"), "outcome", ["outcome", "faithful", "cause's type"]),
    "another end on the wire": (
        lambda o: o["connections"][0].update(rst=[], peer_fin=True), "faithful", ["faithful"],
    ),
    "another connection": (tried_again, "retry", ["attempts"]),
    "a request that was not read whole": (
        lambda o: o["connections"][0]["requests"][0].update(read="partly"), "retry", ["acted on"],
    ),
    "a request read twice": (
        lambda o: o["connections"][0]["requests"].append({"method": "GET"}), "retry", ["attempts"],
    ),
    "fewer bytes lost": (lambda o: o["connections"][0].update(sent=BODY // 2), "lost", ["lost"]),
    "another type": (error(0, type="requests.exceptions.ReadTimeout"), "type", ["type"]),
    "another type of the cause": (error(1, type="OSError"), "type", ["cause's type"]),
    "another message": (error(0, message="no"), "message", ["message"]),
    "another message of the cause": (error(1, message="no"), "message", ["cause's message"]),
    "another printed text": (lambda o: o["operations"][0].update(printed="a\nc"), "printed", ["printed"]),
    "another phase": (lambda o: o["operations"][0].update(phase="send"), "rest", ["rest"]),
    "another number": (error(1), "none", []),
    "an error in between": (
        lambda o: o["operations"][0]["error"].insert(1, {"type": "ProtocolError", "message": ""}), "rest", ["rest"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "level", "aspects"), EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("turned", [False, True], ids=["forth", "back"])
def test_one_difference(edit: Edit, level: str, aspects: list[str], *, turned: bool) -> None:
    sides = [results(cell()), results(cell(edit))]
    found = diff(*(reversed(sides) if turned else sides))
    assert bool(found) is bool(aspects)
    assert [change.aspect for c in found.cells for change in c.changes] == aspects
    assert [c.level.name for c in found.cells] == ([level] if aspects else [])


def test_every_aspect_and_every_level_has_a_case() -> None:
    seen = {aspect for _, _, aspects in EDITS.values() for aspect in aspects}
    assert seen >= {aspect.name for aspect in ASPECTS}
    assert {level for _, level, _ in EDITS.values()} >= {level.name for level in LEVELS} - {"result"}


def test_the_most_serious_stands_first() -> None:
    """Clients in reverse order of seriousness, so that their own order is not what is seen."""
    edits = {level: edit for edit, level, _ in reversed(EDITS.values()) if level != "none"}
    by_rank = [edits[level.name] for level in LEVELS if level.name in edits]
    clients = [f"python/c{len(by_rank) - rank}" for rank in range(len(by_rank))]
    old = [results(cell(), client=client) for client in clients]
    new = [results(cell(edit), client=client) for client, edit in zip(clients, by_rank, strict=True)]
    assert [c.client for c in diff(old, new).cells] == clients


@pytest.mark.parametrize(
    "problem", [{"invalid": "it ended SF"}, {"fault": "it ended with status 3"}], ids=lambda p: next(iter(p))
)
def test_a_cell_without_a_result(problem: Json) -> None:
    (found,) = diff(results(cell()), results(cell() | problem)).cells
    assert found.level.name == "result"
    (change,) = found.changes
    assert (change.aspect, change.old) == ("outcome", (Outcome.RESET,))
    assert not diff(results(problem), results(problem))


def test_two_reasons_for_no_result_differ() -> None:
    (found,) = diff(results({"invalid": "it ended SF"}), results({"invalid": "it ended S3"})).cells
    assert found.changes == (Change("rest", ("invalid: it ended SF",), ("invalid: it ended S3",)),)


MOSTLY = observation(share="mostly")
RARELY = {**observation(share="rarely"), "operations": [{"op": "exchange", "hang": True}]}


class TestCellThatVaries:
    def test_another_outcome_beside_the_first(self) -> None:
        (found,) = diff(results(cell()), results({"observations": [MOSTLY, RARELY]})).cells
        assert found.changes[0] == Change("outcome", ("reset",), ("reset", "hang"))

    def test_the_order_is_no_outcome(self) -> None:
        """How often each came is a difference, and the least."""
        swapped = [{**RARELY, "share": "mostly"}, {**MOSTLY, "share": "rarely"}]
        (found,) = diff(results({"observations": [MOSTLY, RARELY]}), results({"observations": swapped})).cells
        assert found.level.name == "rest"

    def test_silent_truncation_in_few_trials_is_the_most_serious(self) -> None:
        few = observation(share="rarely")
        truncated_silently(few)
        (found,) = diff(results(cell()), results({"observations": [MOSTLY, few]})).cells
        assert found.level is LEVELS[0]


class TestWithoutProof:
    @staticmethod
    def unproved(made: Json) -> None:
        made["connections"] = []
        made["proved"] = False

    def test_only_what_the_application_is_told_is_compared(self) -> None:
        found = diff(results(cell()), results(cell(self.unproved), proved=False))
        assert not found
        assert found.unproved == ("new",)

    def test_that_is_still_compared(self) -> None:
        found = diff(results(cell(self.unproved, error(0, type="E")), proved=False), results(cell()))
        assert [change.aspect for c in found.cells for change in c.changes] == ["type"]
        assert found.unproved == ("old",)


class TestLoopback:
    """It has one address for both ends."""

    @staticmethod
    def side(platform: str, text: str) -> ClientResults:
        return results(cell(error(0, message=text)), platform=platform)

    def test_its_texts_are_compared_without_whose_address_it_is(self) -> None:
        assert not diff(
            self.side("netns", "CLIENT:CLIENTPORT->PEER:PORT"), self.side("loopback", "HOST:CLIENTPORT->HOST:PORT")
        )

    def test_elsewhere_that_is_a_difference(self) -> None:
        assert diff(self.side("netns", "to PEER"), self.side("netns", "to CLIENT"))


class TestOneSided:
    def test_a_client(self) -> None:
        both, other = results(cell()), results(cell(), cell(), client="go/net-http")
        found = diff(both, [both, other])
        assert found
        (part,) = found.one_sided
        assert (part.side, part.client, part.whole, part.scenarios) == ("new", "go/net-http", True, tuple(other.cells))

    def test_a_cell(self) -> None:
        (part,) = diff(results(cell(), cell()), results(cell())).one_sided
        assert (part.side, part.whole, part.scenarios) == ("old", False, ("rst-before-response",))

    def test_a_scenario_that_the_catalogue_no_longer_has_is_told(self) -> None:
        found = diff(results(cells={"gone": cell()}), results(cells={"gone": cell(succeeded)}))
        assert not found
        assert found.unjudged == ("gone",)


class TestPlatforms:
    def test_across_two(self) -> None:
        (found,) = diff(results(cell()), results(cell(succeeded), platform="loopback")).cells
        assert found.platform == "netns → loopback"

    def test_each_with_itself_where_a_side_has_several(self) -> None:
        old = [results(cell()), results(cell(succeeded), platform="loopback")]
        assert not diff(old, old)
        (found,) = diff(old, [old[0], results(cell(), platform="loopback")]).cells
        assert found.platform == "loopback"


def test_versions_are_told_once_and_are_no_difference() -> None:
    clients = ("python/httpx", "python/requests")
    old = [results(cell(), client=client) for client in clients]
    stack = {"runtime": "CPython 3.12.1", "versions": {"urllib3": "2.8.0"}, "system": "Linux 6.18"}
    found = diff(old, [results(cell(), client=client, stack=stack) for client in clients])
    assert not found
    assert [(s.what, s.old, s.new, s.clients) for s in found.stacks] == [
        ("runtime", "CPython 3.11.7", "CPython 3.12.1", clients),
        ("requests", "2.34.2", None, clients),
        ("urllib3", None, "2.8.0", clients),
    ]


def test_whatever_differs_in_a_published_cell_is_found() -> None:
    """Any two different cells differ here too: nothing that is recorded goes unseen."""
    for found in load_results(paths.published_results()).values():
        for (name, one), (_, other) in pairwise(found.cells.items()):
            sides = [found.model_copy(update={"cells": {name: c}}) for c in (one, other)]
            assert bool(diff(*sides)) is (one != other), name
        assert not diff(found, found)


SHOWN = {
    "short": (("reset",), ("eof",), ("reset", "eof")),
    "several": (("reset", "eof"), ("eof",), ("reset / eof", "eof")),
    "none": ((), ("eof",), ("", "eof")),
    "the line that differs": (("a\nb\nc",), ("a\nB\nc",), ("b", "B")),
    "a line more": (("a",), ("a\nb",), ("", "b")),
    "a long common beginning": ((f"{'x' * 100}1",), (f"{'x' * 100}2",), (f"…{'x' * 40}1", f"…{'x' * 40}2")),
    "a long text": (("a" + "x" * 200,), ("b",), ("a" + "x" * 119 + "…", "b")),
    "lines that only end otherwise": (("a\n",), ("a",), ("a\n", "a")),
}


@pytest.mark.parametrize(("old", "new", "shown"), SHOWN.values(), ids=SHOWN)
def test_where_two_texts_part(old: tuple[str, ...], new: tuple[str, ...], shown: tuple[str, str]) -> None:
    assert tuple(text.strip() for text in apart(Change("printed", old, new))) == tuple(text.strip() for text in shown)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def hangup(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hangup", "diff", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return end.value.code, *capsys.readouterr()

    return hangup


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two that differ in a message, with characters that Markdown has a use for; both with two platforms."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, text in ((old, "plain"), (new, "a | b `c` <i>")):
        for platform in ("netns", "loopback"):
            made = results(cell(error(0, message=text if platform == "netns" else "")), cell(), platform=platform)
            save(folder, {made.client: made})
    return old, new


WRONG = {
    "no such folder": ["nowhere", "netns"],
    "no such platform of a folder": ["{old}:docker", "{new}"],
    "no results": ["{empty}", "{new}"],
    "no such client": ["{old}", "{new}", "--client", "cobol/*"],
    "no such scenario": ["{old}", "{new}", "--scenario", "earthquake"],
    "one side": ["{old}"],
}


class TestCommand:
    def test_no_difference(self, run: Run, folders: tuple[Path, Path]) -> None:
        status, out, _ = run(folders[0], folders[0])
        assert (status, out.splitlines()[1:]) == (0, [])

    @pytest.mark.parametrize("style", ["terminal", "markdown", "json"])
    def test_a_difference(self, run: Run, folders: tuple[Path, Path], style: str) -> None:
        status, out, _ = run(*folders, "--format", style)
        assert status == 1
        assert SCENARIO in out
        assert out == run(*folders, "--format", style)[1]

    def test_json(self, run: Run, folders: tuple[Path, Path]) -> None:
        (found,) = json.loads(run(*folders, "--json")[1])["cells"]
        assert (found["platform"], found["level"]) == ("netns", "message")
        assert found["changes"] == [{"aspect": "message", "old": ["plain"], "new": ["a | b `c` <i>"]}]

    @pytest.mark.parametrize("style", ["terminal", "markdown", "json"])
    def test_no_text_or_name_commands_the_terminal(self, run: Run, tmp_path: Path, style: str) -> None:
        for folder, text in (("old\x1b[2J", "plain"), ("new", "\x1b]0;mine\x07\x9b31m\u202e")):
            made = results(cell(error(0, message=text)), cell())
            save(tmp_path / folder, {made.client: made})
        status, out, _ = run(tmp_path / "old\x1b[2J", tmp_path / "new", "--format", style)
        assert status == 1
        assert not set(out) & set("\x1b\x07\x9b\u202e")
        assert "old\\u001b[2J" in out
        assert "\\u001b]0;mine\\u0007\\u009b31m\\u202e" in out
        assert not set(run(tmp_path / "none\x1b[2J", tmp_path / "new")[2]) & set("\x1b")

    def test_markdown_takes_no_text_for_markup(self, run: Run, folders: tuple[Path, Path]) -> None:
        (row,) = [line for line in run(*folders, "--format", "markdown")[1].splitlines() if SCENARIO in line]
        assert r"| `` a \| b `c` <i> `` |" in row
        assert "| `plain` " in row

    def test_cells_that_changed_alike_share_their_rows(self, run: Run, tmp_path: Path) -> None:
        """What is printed is left out of them, because the types and messages that it repeats differ too."""
        edits = (error(0, message="m"), error(1, message="n"), lambda o: o["operations"][0].update(printed="p"))
        for folder, made in (("old", cell()), ("new", cell(*edits))):
            save(tmp_path / folder, {"python/requests": results(made, made)})
        out = run(tmp_path / "old", tmp_path / "new", "--format", "markdown")[1]
        rows = [[part.strip() for part in line.split("|")[1:4]] for line in out.splitlines() if line.startswith("|")]
        assert rows[2:] == [
            ["python/requests", f"rst-before-response, {SCENARIO}", "message"],
            ["", "", "cause's message"],
        ]

    def test_a_platform_of_a_folder(self, run: Run, folders: tuple[Path, Path]) -> None:
        old, new = folders
        assert run(f"{old}:loopback", f"{new}:loopback")[0] == 0
        assert run(f"{old}:netns", new)[0] == 1
        assert run(f"{old}:loopback", new)[0] == 0
        assert run(old, f"{new}:loopback")[0] == 0

    def test_a_published_platform(self, run: Run) -> None:
        assert run("netns", "netns")[0] == 0

    def test_only_some(self, run: Run, folders: tuple[Path, Path]) -> None:
        assert run(*folders, "--client", "python/*", "--scenario", "rst-*")[0] == 1
        assert run(*folders, "--scenario", "rst-before-*")[0] == 0

    @pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
    def test_bad_input(self, run: Run, folders: tuple[Path, Path], tmp_path: Path, arguments: list[str]) -> None:
        (tmp_path / "empty").mkdir()
        places = {"old": folders[0], "new": folders[1], "empty": tmp_path / "empty"}
        status, out, err = run(*(argument.format(**places) for argument in arguments))
        assert (status, out) == (2, "")
        assert err
