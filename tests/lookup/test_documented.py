"""What is known by documentation: found, in a log line too, and never shown as measured."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase

import pytest
from pydantic import ValidationError
from sayings import as_json, logged

from hangup.catalogue import load_catalogue
from hangup.lookup import Index, lookup
from hangup.lookup.documented import Documented, read_documented
from hangup.lookup.index import WORD
from hangup.lookup.mask import Masker
from hangup.outcome import ActedOn

ENTRIES = [(entry, text) for entry in read_documented() for text in entry.says]
WINDOWS = {
    10051: "unreachable",
    10052: "silence",
    10054: "rst",
    10060: "silence",
    10061: "refused",
    10065: "unreachable",
}
LINUX = {104: "rst", 110: "silence", 111: "refused", 113: "unreachable"}
MACOS = {51: "unreachable", 54: "rst", 60: "silence", 61: "refused", 65: "unreachable"}
NGINX = '2026/11/23 10:15:30 [error] 31#31: *7 {}, client: 10.0.0.9, server: _, request: "GET / HTTP/1.1"'
HAPROXY = "haproxy[7]: 10.0.0.9:51234 [23/Nov/2026:10:15:30] web app/app1 0/0/1/-1/30 502 204 - - {} 3/1/0/0/0 0/0 {{}}"
ENVOY = "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: {}"
PSQL = """psql: error: connection to server at "db" (10.0.0.5), port 5432 failed: No route to host
\tIs the server running on that host and accepting TCP/IP connections?"""
CURL = (
    "cURL error 56: OpenSSL SSL_read: Connection reset by peer, errno 104 (see https://curl.se/) for https://a.example/"
)
GO = 'Get "https://a.example/v1": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
DOTNET = """System.Net.Http.HttpRequestException: Connection refused (a.example:443)
 ---> System.Net.Sockets.SocketException (111): Connection refused
   at System.Net.Sockets.Socket.AwaitableSocketAsyncEventArgs.ThrowException(SocketError error)"""
LOGS = [
    ("Go (net/http)", "silence", GO),
    ("Go (net)", "silence", "2026/11/23 10:15:30 backup: dial tcp 10.0.0.7:5432: i/o timeout"),
    ("Go (net)", "silence", "redis: read tcp 10.0.0.9:51234->10.0.0.7:6379: i/o timeout"),
    ("Go (net)", "silence", "backup failed: i/o timeout"),
    ("nginx", "fin", NGINX.format("upstream prematurely closed connection")),
    (".NET", "refused", DOTNET),
    ("Chrome and Edge", "rst", "Uncaught (in promise) TypeError: Failed to fetch"),
    ("Linux", "rst", "rsync: read error: Connection reset by peer (104)"),
    ("Linux", "silence", "mount.nfs: Connection timed out"),
    ("axios", "silence", "AxiosError: timeout of 30000ms exceeded"),
    ("nginx", "rst", NGINX.format("recv() failed (104: Connection reset by peer) while reading upstream")),
    ("HAProxy", "fin", HAPROXY.format("SH--")),
    ("HAProxy", "silence", HAPROXY.format("sCVN")),
    (
        "Envoy",
        "refused",
        ENVOY.format("remote connection failure, transport failure reason: delayed connect error: 111"),
    ),
    ("curl", "rst", CURL),
    ("PostgreSQL (libpq)", "unreachable", PSQL),
    ("MySQL", "fin", "pymysql.err.OperationalError: (2013, 'Lost connection to MySQL server during query')"),
    ("go/net", "unreachable", "kubelet: dial tcp 10.0.0.7:10250: connect: no route to host"),
    ("OpenSSH", "rst", "Connection reset by 203.0.113.7 port 22\nfatal: Could not read from remote repository."),
]
"""Who says it, how it ended, and the line as it is pasted."""


@pytest.mark.parametrize(("entry", "text"), ENTRIES, ids=[f"{entry.who}: {text[:50]}" for entry, text in ENTRIES])
def test_is_named_first_and_not_as_measured(entry: Documented, text: str, index: Index) -> None:
    words = Masker(index.masks).words(text)
    alone = text.isdigit() or any(fragment.words == words and fragment.kind == WORD for fragment in index.fragments)
    for shape in (str,) if alone else (str, logged, as_json):  # one or two plain words among others are prose
        answer = lookup(index, shape(text))[0]
        (ranked,) = (ranked for ranked in answer.clients if (ranked.client, ranked.means) == (entry.who, entry.means))
        assert ranked.score == answer.clients[0].score
        assert (ranked.measured, ranked.source) == (False, entry.source)
        assert answer.scenarios or entry.endings == (), "no scenario explains it"


def test_no_request_left_is_said_by_the_entry_alone(index: Index) -> None:
    """A cell of a documented text has what its entry says of the request, whatever was measured of others."""
    said = {(entry.who, entry.means): entry.acted_on for entry in read_documented()}
    for cell in index.cells:
        speaker = index.speakers[cell.speaker]
        if speaker.source and speaker.means:
            assert cell.acted_on == said[speaker.name, speaker.means]
    assert set(said.values()) == {ActedOn.NO, ActedOn.MAYBE}


def test_what_promises_a_safe_retry_says_no() -> None:
    for entry in read_documented():
        assert "retry is safe" not in entry.means
        assert entry.acted_on is ActedOn.NO or "No request was sent" not in entry.means, entry.says


def test_an_entry_has_an_outcome_or_says_that_nothing_happened() -> None:
    its = {"who": "a", "says": ("b",), "means": "c", "source": "https://d.example"}
    for wrong in ({}, {"endings": ["fin"]}, {"outcome": "eof", "endings": []}):
        with pytest.raises(ValidationError, match="nothing happened on the wire"):
            Documented.model_validate(its | wrong)
    assert Documented.model_validate(its | {"endings": []}).outcomes == ()


def test_scenarios_come_in_the_order_in_which_an_entry_names_them(index: Index) -> None:
    answer = lookup(index, "Post: http: server closed idle connection")[0]
    posts = ["post" in ranked.scenario for ranked in answer.scenarios]
    assert posts == sorted(posts, reverse=True)
    assert answer.scenarios[0].scenario == "reuse-race-fin-post-again"


def test_scenarios_that_are_named_are_there() -> None:
    catalogue = load_catalogue()
    named = {pattern for entry in read_documented() for pattern in entry.scenarios}
    assert {pattern for pattern in named if not any(fnmatchcase(name, pattern) for name in catalogue)} == set()


def test_no_two_programs_say_the_same_with_another_meaning() -> None:
    """Who pastes a text gets one meaning of it from one program."""
    said = Counter((entry.who, text) for entry, text in ENTRIES)
    assert [key for key, times in said.items() if times > 1] == []


@pytest.mark.parametrize(("who", "ending", "log"), LOGS)
def test_a_line_of_a_log_is_known(who: str, ending: str, log: str, index: Index) -> None:
    answer = lookup(index, log)[0]
    best = [ranked.client for ranked in answer.clients if ranked.score == answer.clients[0].score]
    assert who in best
    assert ending in {each.ending for each in answer.endings if each.score == answer.endings[0].score}


def test_a_frame_is_not_taken_for_an_end_of_the_connection(index: Index) -> None:
    frame = lookup(index, "Failed to load resource: net::ERR_HTTP2_PROTOCOL_ERROR")[0]
    assert [ranked.scenario for ranked in frame.scenarios] == ["h2-rst-stream"]
    connection = lookup(index, "Failed to load resource: net::ERR_CONNECTION_RESET")[0]
    assert [ranked.scenario for ranked in connection.scenarios if ranked.scenario.startswith("h2-")] == []


@pytest.mark.parametrize(
    ("number", "ending"),
    [*WINDOWS.items(), *LINUX.items(), *MACOS.items()],
)
@pytest.mark.parametrize(
    "template",
    [
        "[Errno {}] Connexion interrompue par le correspondant",
        "System.Net.Sockets.SocketException, ErrorCode: {}",
        "connect(): errno={}",
        "失敗しました (os error {})",
    ],
)
def test_a_localised_text_is_known_by_its_number(template: str, number: int, ending: str, index: Index) -> None:
    answer = lookup(index, template.format(number))[0]
    assert answer.endings[0].ending == ending


@pytest.mark.parametrize(("number", "ending"), WINDOWS.items())
def test_a_localised_text_of_windows_is_known_by_its_number(number: int, ending: str, index: Index) -> None:
    answer = lookup(index, f"[WinError {number}] Es konnte keine Verbindung hergestellt werden")[0]
    assert answer.endings[0].ending == ending


def test_a_number_of_windows_is_no_errno_of_another_system(index: Index) -> None:
    """64 is EHOSTDOWN on macOS, and on Windows that a connection was lost."""
    assert (
        lookup(index, "OSError: [WinError 64] The specified network name is no longer available")[0].confidence
        == "none"
    )


def test_the_bare_numbers_of_windows_are_known(index: Index) -> None:
    numbers = (10051, 10052, 10053, 10054, 10060, 10061, 10064, 10065)
    assert {n: lookup(index, str(n))[0].clients[0].client for n in numbers} == dict.fromkeys(numbers, "Windows")
