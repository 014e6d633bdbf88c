"""`hangup diagnose` as it is used: views, filters, exit status, bad input."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import synthetic
from conversations import conversation
from wire_packets import HANDSHAKE, LINKS, ipv4, tcp

from hangup.wire import Flags, PcapWriter, Segment

EXCHANGE = (*HANDSHAKE, "> PA 1 1 40", "< A 1 41", "< PA 1 41 100", "> A 41 101")
TALKS = [
    conversation(*EXCHANGE, "< FA 101 41", "> FA 41 102", "< A 102 42", client=40000),
    conversation(*HANDSHAKE, "> PA 1 1 40", "< RA 1 41 win=512", client=40001, start=1.0),
    conversation("> S 0", "< RA 0 1", client=40002, server=81, start=2.0),
]


def write(path: Path, talks: list[list[Segment]]) -> Path:
    """A capture of these conversations."""
    with path.open("wb") as stream:
        writer = PcapWriter(stream, 1)
        for s in sorted((s for talk in talks for s in talk), key=lambda s: s.time_ns):
            flags = "".join(flag.name[0] for flag in Flags if s.flags & flag and flag.name)
            data = tcp(s.sport, s.dport, s.seq, s.ack, flags, s.payload or bytes(s.length), window=s.window)
            packet = ipv4(data, addresses=(s.src, s.dst), ttl=s.ttl)
            writer.write(s.time_ns, LINKS["ethernet"].wrap(packet))
    return path


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Three connections: one in order, one reset, one refused."""
    return write(tmp_path / "three.pcap", TALKS)


def hangup(*words: object, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hangup", "diagnose", *map(str, words)]
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(command, check=False, capture_output=True, input=stdin, timeout=60, env=environment)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def lines(*words: object, stdin: bytes | None = None) -> list[dict[str, Any]]:
    done = hangup(*words, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_json_has_zeeks_names_and_ours(capture: Path) -> None:
    orderly, reset, refused = lines(capture)
    assert {"id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "ts", "duration", "conn_state", "history", "orig_bytes",
            "resp_bytes", "rst", "causes", "scenarios"} <= set(orderly)  # fmt: skip
    assert (orderly["id.orig_h"], orderly["id.orig_p"], orderly["id.resp_p"]) == ("192.0.2.1", 40000, 9000)
    assert (orderly["conn_state"], orderly["history"], orderly["rst"]) == ("SF", "ShADadfF", [])
    assert (orderly["orig_bytes"], orderly["resp_bytes"], orderly["first_fin"]["by"]) == (40, 100, "resp")
    assert reset["rst"] == [{"packet": 15, "by": "resp"}]
    assert {cause["cause"] for cause in reset["causes"][:2]} == {"application-abort", "unread-data"}
    assert {"cause", "confidence", "evidence"} <= set(reset["causes"][0])
    assert reset["scenarios"][0] == "rst-before-response"
    assert (refused["conn_state"], refused["causes"][0]["cause"], refused["scenarios"]) == (
        "REJ",
        "closed-port",
        ["refused", "firewall-reset-on-connect"],
    )


def test_standard_input_reads_the_same(capture: Path) -> None:
    assert lines("-", stdin=capture.read_bytes()) == lines(capture)


@pytest.mark.parametrize(
    ("words", "streams"),
    [
        (["--state", "RST*"], [1]),
        (["--cause", "closed-port", "--cause", "orderly-*"], [0, 2]),
        (["--port", "81"], [2]),
        (["--port", "40000"], [0]),
        (["--host", "198.51.100.0/24"], [0, 1, 2]),
        (["--host", "203.0.113.9"], []),
        (["--severity", "high"], [1, 2]),
        (["--severity", "high", "--port", "9000"], [1]),
    ],
)
def test_filters(capture: Path, words: list[str], streams: list[int]) -> None:
    assert [line["stream"] for line in lines(capture, *words)] == streams


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ([], 0),
        (["--fail-on", "reset"], 1),
        (["--fail-on", "forged-reset"], 0),
        (["--fail-on", "closed-port"], 1),
        (["--fail-on", "high"], 1),
        (["--fail-on", "reset", "--cause", "orderly-close"], 0),
    ],
)
def test_exit_status(capture: Path, words: list[str], status: int) -> None:
    assert hangup(capture, *words).returncode == status


def test_a_reset_that_did_no_harm_counts_where_resets_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "harmless.pcap", [conversation(*EXCHANGE, "> RA 41 101")])
    assert "1 connections, 1 with a RST" in hangup(path).stdout
    assert hangup(path, "--fail-on", "reset").returncode == 1
    assert hangup(path, "--fail-on", "medium").returncode == 0


def test_what_clients_report_is_the_published_matrix(capture: Path) -> None:
    (line,) = lines(capture, "--port", 81, "--client", "python/socket", "--client", "go/net")
    assert [report["client"] for report in line["clients"]] == ["go/net", "python/socket"]
    assert {report["outcome"] for report in line["clients"]} == {"refused"}
    assert line["clients"][1]["scenarios"][0]["error"][0]["code"] == "ECONNREFUSED"


def test_a_retry_is_called_safe_where_nothing_left_alone(capture: Path) -> None:
    """Whatever clients were measured to do in scenarios that end alike."""
    told = [(line["acted_on"], line["retry"]) for line in lines(capture, "--client", "python/socket")]
    assert told == [("maybe", "idempotent-only"), ("maybe", "idempotent-only"), ("no", "safe")]
    assert "acted on: no: nothing of a request left" in hangup(capture, "--stream", 2).stdout
    assert "safe" not in hangup(capture, "--stream", 1, "--client", "*").stdout


def test_the_overview_counts_and_the_table_lists(capture: Path) -> None:
    done = hangup(capture)
    assert "3 connections, 2 with a RST; 17 frames" in done.stdout
    assert "closed-port" in done.stdout
    table = hangup(capture, "--table", "--sort", "stream").stdout.splitlines()
    assert [line.split()[0] for line in table[2:]] == ["0", "1", "2"]


def test_one_connection_is_drawn_and_explained(capture: Path) -> None:
    shown = hangup(capture, "--stream", 1, "--client", "python/socket").stdout
    for text in (
        "RST ACK",
        "#15",
        "What would tell:",
        "RFC 2525 section 2.17",
        "ConnectionResetError",
        "acted on: maybe",
    ):
        assert text in shown


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["missing.pcap"], "missing.pcap: cannot be read"),
        (["FILE", "--stream", "9"], "there are 3 connections"),
        (["FILE", "--state", "XX"], "--state XX"),
        (["FILE", "--cause", "closed-prot"], "closed-port"),
        (["FILE", "--host", "nowhere"], "--host nowhere"),
        (["FILE", "--fail-on", "rest"], "reset"),
        (["FILE", "--json", "--client", "python/sockt"], "python/socket"),
        (["FILE", "--client", "python/socket"], "--client goes with --json, --stream or --html"),
        (["FILE", "--json", "--html", "page.html"], "--html is a page of the whole"),
        (["FILE", "--stream", "0", "--state", "SF"], "--stream shows that one connection"),
        (["."], "it is a folder"),
        (["FILE", "--json", "--table"], "exclude each other"),
        (["FILE", "FILE", "--follow"], "--follow"),
        (["FILE", "--html", "/proc/nowhere/page.html"], "page.html: cannot be written"),
    ],
)
def test_bad_input_is_one_message_and_status_2(capture: Path, words: list[str], text: str) -> None:
    done = hangup(*(capture if word == "FILE" else word for word in words))
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


EVIL = "\x1b]0;title\x07\x9b31m\u202egnp.\npacp"
"""A file's name that a terminal would obey, and a reader misread."""


@pytest.mark.parametrize("words", [[], ["--json"], ["--table"], ["--stream", "1"]], ids=str)
def test_nothing_that_a_terminal_obeys_is_printed(tmp_path: Path, words: list[str]) -> None:
    """Of file names and of payload."""
    ask = b"GET /" + EVIL.encode() + b" HTTP/1.1\r\nHost: \x1b[31m\r\n\r\n"
    talk = conversation(*HANDSHAKE, f"> PA 1 1 {len(ask)}", f"< RA 1 {1 + len(ask)}", client=40001, payloads={3: ask})
    path = write(tmp_path / EVIL, [TALKS[0], talk])
    path.write_bytes(path.read_bytes()[:-5])
    done = hangup(path, *words)
    assert "\\u001b]0;title\\u0007\\u009b31m\\u202egnp.\\u000apacp: cut off" in done.stderr
    assert_nothing_obeyed(done)


@pytest.mark.parametrize("words", [[EVIL], ["FILE", "--cause", EVIL], ["FILE", "--severity", EVIL]])
def test_nothing_of_bad_input_is_obeyed(capture: Path, words: list[str]) -> None:
    done = hangup(*(capture if word == "FILE" else word for word in words))
    assert done.returncode == 2
    assert_nothing_obeyed(done)


def assert_nothing_obeyed(done: subprocess.CompletedProcess[str]) -> None:
    assert not set("\x1b\x07\x9b\u202e") & set(done.stdout + done.stderr)


def test_a_page_holds_none_of_it(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    hangup(write(tmp_path / EVIL, TALKS), "--html", page)
    assert not set("\x1b\x07\x9b\u202e") & set(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", ['{"schema": ' + "1" * 5000 + "}", "[" * 200_000], ids=["digits", "brackets"])
def test_results_that_cannot_be_read_are_named(capture: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "results" / "data" / "netns" / "go" / "net.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    done = hangup(capture, "--json", "--client", "go/net", "--results", tmp_path / "results")
    assert (done.returncode, "net.json: " in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_no_temporary_folder_is_needed(capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for what comes through a pipe nor for what is compressed."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    assert "3 connections" in hangup("-", stdin=gzip.compress(capture.read_bytes())).stdout
    assert hangup(capture, "--html", tmp_path / "page.html").returncode == 0


def test_a_page_that_finds_no_room_is_told(capture: Path) -> None:
    done = hangup(capture, "--html", "/dev/full")
    assert (done.returncode, "/dev/full: cannot be written: No space left" in done.stderr) == (2, True)


def test_what_is_no_capture_is_told_and_ends_with_status_2(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("this is no capture")
    done = hangup(path)
    assert done.returncode == 2
    assert "neither pcap nor pcapng" in done.stderr


def test_what_could_be_read_of_a_damaged_capture_is_reported(capture: Path) -> None:
    capture.write_bytes(capture.read_bytes()[:-5])
    done = hangup(capture)
    assert done.returncode == 0
    assert "cut off" in done.stderr
    assert "3 connections" in done.stdout


def test_frames_that_cannot_be_decoded_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "wireless.pcap"
    with path.open("wb") as stream:
        writer = PcapWriter(stream, 127)
        writer.write(0, bytes(60))
    assert "1 frames of link type 127 were passed over" in hangup(path).stdout
    for view in ("--json", "--table"):
        assert "1 frames of link type 127 were passed over" in hangup(path, view).stderr


@pytest.mark.parametrize("data", [b"\x1f\x8b", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd\x00"])
def test_a_compressed_file_that_is_damaged_at_its_head_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(data)
    done = hangup(path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "nothing could be read" in done.stderr


def test_a_pipe_with_a_name_is_read_once(capture: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", capture, pipe]):
        assert "3 connections" in hangup(pipe).stdout


def test_a_closed_standard_input_is_told() -> None:
    command = f"{sys.executable} -m hangup diagnose - <&-"
    done = subprocess.run(["/bin/sh", "-c", command], check=False, capture_output=True, text=True)
    assert (done.returncode, "standard input (-) is closed" in done.stderr) == (2, True)


def test_of_several_files_each_is_complained_of(tmp_path: Path) -> None:
    """Also where they are large enough to be read by a process of its own."""
    names = [tmp_path / "one.pcap", tmp_path / "other.pcap"]
    for name in names:
        synthetic.write(name, 2_200_000)
    names[0].write_bytes(names[0].read_bytes()[:-5])
    done = hangup(*names)
    assert done.returncode == 0
    assert "one.pcap: cut off" in done.stderr


def test_the_page_is_written_through_a_link_and_to_what_is_no_file(capture: Path, tmp_path: Path) -> None:
    page, link, pipe = tmp_path / "page.html", tmp_path / "link.html", tmp_path / "pipe"
    link.symlink_to(page)
    assert hangup(capture, "--html", link).returncode == 0
    assert link.is_symlink()
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        assert hangup(capture, "--html", pipe).returncode == 0
        assert reader.communicate()[0] == page.read_bytes()
    assert pipe.is_fifo()


@pytest.mark.parametrize("word", ["hig?", "rese*", "closed-p*", "*"])
def test_what_a_run_fails_on_may_be_a_glob(capture: Path, word: str) -> None:
    assert hangup(capture, "--fail-on", word).returncode == 1


def test_the_page_stands_alone_and_takes_nothing_for_markup(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    done = hangup(capture, "--html", out, "--client", "python/socket")
    assert done.returncode == 0
    text = out.read_text(encoding="utf-8")
    assert text.count("<svg") == text.count("</svg>") == 3, "two ladders and the timeline"
    assert "rst-before-response" in text
    for reference in ("http://", "https://", "<script", "<link", "src="):
        assert reference not in text
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []


class Balanced(HTMLParser):
    """Every element that is opened is closed."""

    VOID = ("meta",)

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
