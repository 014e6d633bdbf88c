"""``hangup play`` and ``hangup show``, with real clients in the netns lab."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hangup import paths
from hangup.agents.build import runtime_version
from hangup.agents.manifest import load_manifests
from hangup.cli import play as play_module
from hangup.cli import run as run_module
from hangup.cli import show as show_module
from hangup.cli.playing import Cast
from hangup.errors import BuildError, HangupError
from hangup.labs import probe
from hangup.wire import connections, read_capture

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True, scope="module")
def _netns() -> None:
    if (why := asyncio.run(probe("netns"))) is not None:
        pytest.skip(f"lab netns: {why}")


@pytest.fixture(autouse=True)
def _width(monkeypatch: pytest.MonkeyPatch) -> None:
    """As wide as a ladder needs to show its numbers, whatever the terminal that the tests run in."""
    monkeypatch.setenv("COLUMNS", "100")


def require_runtime(client: str) -> None:
    """Skip the test, by name and with the remedy, where the client's language is not installed."""
    manifest = load_manifests(paths.clients())[client.partition("/")[0]]
    try:
        asyncio.run(runtime_version(manifest))
    except BuildError as error:
        pytest.skip(f"{client}: {error}")


def hangup(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The program as a user starts it, with its output in a pipe."""
    return subprocess.run([sys.executable, "-m", "hangup", *arguments], capture_output=True, text=True, check=False)


def play(*arguments: str) -> Result:
    """``hangup play`` in this process."""
    return CliRunner().invoke(play_module.command, [*arguments, "--lab", "netns"], standalone_mode=False)


@pytest.mark.parametrize("client", ["python/socket", "go/net"])
def test_a_reader_that_sees_eof_where_the_capture_later_shows_a_rst_is_explained(client: str) -> None:
    require_runtime(client)
    played = hangup("play", "server-interrupted", "--client", client, "--lab", "netns")
    assert played.returncode == 0, played.stderr
    lines = played.stdout.splitlines()
    interrupted, request, reset, told = (
        next(number for number, line in enumerate(lines) if all(word in line for word in words))
        for words in (("◀─ FIN ACK", "interrupt"), ("PSH ACK", "seq 83"), ("◀─ RST ",), ("Verdict",))
    )
    assert interrupted < request < reset < told
    explanation = " ".join(played.stdout.partition("What happened")[2].split())
    for sentence in (
        "The peer ended its side with a FIN at",
        "answers the 41 bytes that the client sent at",
        "The FIN was there first, so the client is told that the stream has ended, although the capture shows a RST",
        "and it is kept for the next write",
    ):
        assert sentence in explanation
    assert "faithful" in played.stdout


def test_the_pcap_holds_the_trial_s_packets(tmp_path: Path) -> None:
    require_runtime("python/socket")
    pcap = tmp_path / "trial.pcap"
    result = play("write-after-fin", "--client", "python/socket", "--pcap", str(pcap), "--json")
    played = json.loads(result.stdout)
    with pcap.open("rb") as stream:
        frames = list(read_capture(stream))
    (connection,) = connections(frames)
    assert (connection.state, connection.history) == (played["evidence"][0]["state"], played["evidence"][0]["history"])
    assert len(frames) >= len(played["packets"]) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["trial.pcap"]
    assert played["valid"]
    assert played["verdict"]["outcome"] == "broken-pipe"


@pytest.mark.parametrize("target", ["missing/x.pcap", "."])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_played(
    tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio, "run", lambda _: pytest.fail("something was played"))
    with pytest.raises(HangupError, match="--pcap"):
        play_module.command.main(
            ["normal", "--client", "python/socket", "--pcap", str(tmp_path / target)], standalone_mode=False
        )
    assert list(tmp_path.iterdir()) == []


def test_the_repeated_part_is_played_as_often_as_asked_for() -> None:
    require_runtime("python/socket")
    result = play("client-closes-after-messages", "--client", "python/socket", "--count", "5", "--json")
    played = json.loads(result.stdout)
    assert [op["op"] for op in played["observation"]["operations"]] == ["connect", *["send", "recv"] * 5, "close"]
    assert played["valid"]


def test_more_messages_are_no_retries() -> None:
    require_runtime("python/socket")
    result = play("server-interrupted", "--client", "python/socket", "--count", "4", "--json")
    verdict = json.loads(result.stdout)["verdict"]
    assert (verdict["tries"], verdict["sent"], verdict["acted_on"]) == (1, {"GET": 1}, "maybe")
    assert verdict["decisive"] == 5


def test_a_trial_that_does_not_show_its_scenario_is_invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    require_runtime("python/socket")
    cast = Cast.make("normal", "python/socket", None)
    wire = cast.scenario.wire.model_copy(update={"rst": "peer"})
    wrong = Cast(cast.scenario.model_copy(update={"wire": wire}), cast.client, cast.manifest)
    monkeypatch.setattr(Cast, "make", lambda *_: wrong)
    result = play("normal", "--client", "python/socket")
    assert result.return_value == 1
    assert "INVALID" in result.stdout
    assert "RST was sent by nobody, not by peer" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("norml", "--client", "python/socket"), "did you mean normal"),
        (("normal", "--client", "python/sockt"), "did you mean python/socket"),
        (("write-after-fin", "--client", "python/requests"), "for clients of the layer stream"),
        (("normal", "--client", "python/socket", "--count", "2"), "no part of normal is repeated"),
    ],
)
def test_what_cannot_be_played_is_an_error_of_status_2(arguments: tuple[str, ...], text: str) -> None:
    refused = hangup("play", *arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert text in refused.stderr


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A tiny results folder, with its run beside it."""
    require_runtime("python/socket")
    root = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "runs", lambda: root / "runs")
        made = CliRunner().invoke(
            run_module.command,
            ["--lab", "netns", "--client", "python/socket", "--scenario", "server-interrupted", "--scenario", "refused",
             "--trials", "2", "--out", str(root / "results")],
        )  # fmt: skip
        assert made.exit_code == 0, made.output
        yield root / "results"


def show(*arguments: str) -> str:
    """What ``hangup show`` prints."""
    result = CliRunner().invoke(show_module.command, arguments, catch_exceptions=False, standalone_mode=False)
    assert not result.return_value
    return result.stdout


def test_a_cell_is_shown_with_its_evidence_and_the_packets_of_its_run(published: Path) -> None:
    shown = show("python/socket", "server-interrupted", "--results", str(published))
    for text in (
        "the application is told that the stream has ended", "exchange → end of stream", "maybe acted on",
        "connection 1: the peer ended it with FIN, then RST", "Linux", "recv request 41", "interrupt",
        "kernel: no socket", "The FIN was there first",
    ):  # fmt: skip
        assert text in shown
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_a_cell_without_a_run_names_the_command_that_makes_one(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "runs", lambda: tmp_path)
    (tmp_path / "20200101T000000Z").mkdir()
    (tmp_path / "20200101T000000Z" / "trials.jsonl").write_text('{"cut short')
    shown = show("python/socket", "refused", "--results", str(published))
    assert "hangup run --client python/socket --scenario refused" in shown


def test_all_cells_of_a_client_are_listed(published: Path) -> None:
    lines = show("python/socket", "--results", str(published)).splitlines()
    assert [line.split()[:3] for line in lines[2:]] == [
        ["refused", "refused", "faithful"], ["server-interrupted", "eof", "faithful"],
    ]  # fmt: skip
    assert "ConnectionRefusedError (ECONNREFUSED)" in lines[2]


def test_programs_get_the_verdicts(published: Path) -> None:
    cells = json.loads(show("python/socket", "refused", "--results", str(published), "--json"))["cells"]
    (observation,) = cells["refused"]["observations"]
    assert observation["verdict"]["outcome"] == "refused"
    assert observation["share"] == "always"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("python/sockt",), "did you mean python/socket"),
        (("python/socket", "refusd"), "did you mean refused"),
        (("python/socket", "normal"), "was not measured in normal"),
        (("python/socket", "refused", "--platform", "docker"), "measured on netns only"),
        (("python/socket", "refused", "--run", "/nowhere"), "cannot be read"),
    ],
)
def test_what_is_not_there_cannot_be_shown(published: Path, arguments: tuple[str, ...], text: str) -> None:
    with pytest.raises(HangupError, match=text):
        show(*arguments, "--results", str(published))
