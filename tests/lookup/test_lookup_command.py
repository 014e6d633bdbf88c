"""`hangup lookup` as its users meet it: a text, a file, standard input, both directions, and what can be wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RESET = "java.net.SocketException: Connection reset"
OTHER = "requests.exceptions.ConnectionError: ('Connection aborted.', RemoteDisconnected('Remote end closed connection'"


def hangup(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    return subprocess.run(
        [sys.executable, "-m", "hangup", *arguments], input=stdin, capture_output=True, text=True, check=False
    )


def answer(*arguments: str, stdin: str = "") -> dict[str, Any]:
    """Its JSON."""
    done = hangup("lookup", "--json", *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout)
    assert isinstance(table, dict)
    return table


def test_ranks_clients_scenarios_and_endings() -> None:
    table = answer(RESET)
    assert table["confidence"] == "exact"
    assert {ranked["client"] for ranked in table["clients"] if ranked["score"] == 1} >= {
        "java/socket",
        "java/httpclient",
    }
    assert table["clients"][0]["why"] == [RESET]
    scenarios = {ranked["scenario"]: ranked for ranked in table["scenarios"]}
    assert scenarios["rst-mid-body"]["score"] == 1
    cells = {cell["speaker"]: cell for cell in scenarios["rst-mid-body"]["cells"]}
    assert cells["java/socket"]["outcome"] == "reset"
    assert cells["java/socket"]["acted_on"] == "yes"
    assert {ranked["ending"] for ranked in table["endings"] if ranked["score"] == 1} == {"rst"}
    assert {"ending", "moment", "score", "cells"} == set(table["endings"][0])
    assert (table["acted_on"], table["retry"]) == ("maybe", "idempotent-only")
    assert table["what"].startswith("The request may have been acted on")
    assert any("tcpdump" in hint for hint in table["apart"])


def test_reads_a_file_and_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "error.log"
    file.write_text(f"2026-11-23 10:00:00 ERROR main - {RESET}\n", encoding="utf-8")
    assert answer(str(file))["scenarios"] == answer("-", stdin=RESET)["scenarios"] == answer(RESET)["scenarios"]


def test_tells_two_errors_of_one_text_apart() -> None:
    table = answer(f"{RESET}\n\nError: socket hang up\n")
    first, second = (
        {ranked["client"] for ranked in each["clients"] if ranked["score"] == each["clients"][0]["score"]}
        for each in (table, *table["also"])
    )
    assert first == {"node/http"}
    assert "java/socket" in second


def test_an_error_and_its_cause_are_one_error() -> None:
    assert not answer(f"{OTHER}\nhttp.client.RemoteDisconnected: Remote end closed connection without response")["also"]


def test_says_so_where_it_does_not_know() -> None:
    done = hangup("lookup", "KeyError: 'x'")
    assert done.returncode == 1
    assert "Nothing in this text is known" in done.stdout
    table = json.loads(hangup("lookup", "--json", "KeyError: 'x'").stdout)
    assert (table["confidence"], table["retry"]) == ("none", "unknown")


def test_says_plainly_where_nothing_happened() -> None:
    shown = hangup("lookup", "Error: getaddrinfo ENOTFOUND api.example").stdout
    assert "Nothing happened on the wire: no request was sent. A retry is safe." in shown
    assert "What happened on the wire" not in shown
    table = answer("Error: getaddrinfo ENOTFOUND api.example")
    assert (table["endings"], table["scenarios"], table["retry"]) == ([], [], "safe")


def test_tells_people_of_retry_lessons_and_what_to_ask() -> None:
    shown = hangup("lookup", "Error: socket hang up").stdout
    for part in (
        "node/http",
        "FIN before the response",
        "reset !",
        "What to do",
        "idempotent",
        "What would tell these apart",
    ):
        assert part in shown


def test_a_documented_text_is_shown_as_such() -> None:
    shown = hangup("lookup", "curl: (52) Empty reply from server").stdout
    assert "documented, not measured: https://curl.se/" in shown
    assert "was not measured" in shown


def test_the_other_direction() -> None:
    done = hangup("lookup", "--client", "go/net-http", "--scenario", "rst-mid-body")
    assert "connection reset by peer" in done.stdout
    assert "hangup show go/net-http rst-mid-body" in done.stdout
    table = answer("--client", "go/net-http", "--scenario", "rst-mid-body")
    assert table["cells"][0]["ending"] == "rst"
    assert any("connection reset by peer" in text for text in table["cells"][0]["texts"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give a TEXT"),
        (("EOF", "--client", "go/net"), "give a TEXT"),
        (("--client", "go/net"), "give a TEXT"),
        (("",), "nothing in the text"),
        (("  ",), "nothing in the text"),
        (("no-such.log",), "no such file"),
        (("./no-such/file",), "no such file"),
        (("/",), "a folder"),
        (("socket", "hang", "up"), "in quotes"),
        (("--client", "go/nett", "--scenario", "refused"), "did you mean go/net"),
        (("--client", "go/net", "--scenario", "refuse"), "did you mean refused"),
        (("--client", "go/net-http", "--scenario", "read-after-fin"), "was not measured in read-after-fin"),
        (("--results", "/nowhere", "EOF"), "/nowhere/lookup.json: cannot be read"),
    ],
)
def test_bad_input_is_told_in_words(arguments: tuple[str, ...], words: str) -> None:
    done = hangup("lookup", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_standard_input_is_told_in_words() -> None:
    command = [sys.executable, "-m", "hangup", "lookup", "-"]
    done = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("hangup: error: standard input is closed")
    assert done.stderr.count("\n") == 1


def test_a_text_that_was_heard_in_several_ways_is_shown_once() -> None:
    lines = hangup("lookup", "--client", "python/requests", "--scenario", "fin-mid-body").stdout.splitlines()
    heard = [line for line in lines if "IncompleteRead" in line]
    assert len(heard) == len(set(heard)) > 1
    (cell,) = answer("--client", "python/requests", "--scenario", "fin-mid-body")["cells"]
    assert len(cell["texts"]) == len(set(cell["texts"]))


@pytest.mark.parametrize(
    ("arguments", "misleading"),
    [
        (("Error: socket hang up",), True),
        (("java.net.SocketException: Connection reset",), False),
        (("--client", "node/http", "--scenario", "fin-mid-body"), True),
        (("--client", "go/net-http", "--scenario", "rst-mid-body"), False),
    ],
)
def test_the_mark_of_what_is_misleading_is_explained_where_it_stands(
    arguments: tuple[str, ...], misleading: bool
) -> None:
    shown = hangup("lookup", *arguments).stdout
    assert (" ! " in shown) is misleading
    assert shown.count("! the word is misleading") == misleading


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 3}', '{"version": 99}', '{"version": 3, "masks": [[1]]}'], ids=str
)
def test_a_damaged_index_is_told_of(text: str, tmp_path: Path) -> None:
    (tmp_path / "lookup.json").write_text(text, encoding="utf-8")
    done = hangup("lookup", "--results", str(tmp_path), "EOF")
    assert done.returncode == 2
    assert "hangup table --write" in done.stderr


def test_nothing_heavy_is_imported() -> None:
    """What takes time has no place in a command that answers at once."""
    program = (
        "import sys; sys.argv = ['hangup', 'lookup', 'EOF']\n"
        "from hangup.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'pydantic', 'rich', 'rapidfuzz', 'asyncio', 'tabulate', 'pyroute2'}\n"
        "print(heavy & set(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "set()"
