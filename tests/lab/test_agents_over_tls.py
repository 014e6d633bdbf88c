"""Agents over TLS: a client that offers it trusts the one CA and no other, and tells of TLS errors as of all others."""

from __future__ import annotations

import os
import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import h2.connection
import h2.errors
import pytest
import trustme
from agent_over_tls import (
    BODY,
    PATIENCE,
    RESPONSE,
    BareAgent,
    Session,
    over_h2,
    over_tls,
    peer,
    read_request,
    reset,
    server_context,
)
from whole_run import LAYERS, MANIFESTS

pytestmark = pytest.mark.lab

FEATURES = {
    "java/socket": {"tls", "keepalive"},
    "java/nio-socketchannel": {"keepalive"},
    "java/httpurlconnection": {"tls"},
    "java/httpclient": {"tls", "h2"},
    "node/net": {"tls", "keepalive"},
    "node/http": {"tls"},
    "node/fetch": {"tls"},
    "node/http2": {"tls", "h2"},
}
OVER_TLS = [name for name, features in FEATURES.items() if "tls" in features and name != "node/http2"]
OVER_H2 = [name for name, features in FEATURES.items() if "h2" in features]
WITH_KEEP_ALIVE = [name for name, features in FEATURES.items() if "keepalive" in features]
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
HALF = len(RESPONSE) - 2

each_client = pytest.mark.parametrize("client", OVER_TLS)
each_h2_client = pytest.mark.parametrize("client", OVER_H2)
each_version = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="module")
def agents(ca_file: Path) -> Iterator[Callable[[str], BareAgent]]:
    """A client's agent, started when the first of its clients needs it."""
    started: dict[str, BareAgent] = {}

    def agent_of(client: str) -> BareAgent:
        language = client.partition("/")[0]
        if language not in started:
            started[language] = BareAgent(MANIFESTS[language], ca_file)
        return started[language]

    yield agent_of
    for agent in started.values():
        agent.end()


@pytest.fixture
def agent(agents: Callable[[str], BareAgent], client: str) -> Iterator[BareAgent]:
    """The client's agent, which still answers when the test is over."""
    agent = agents(client)
    yield agent
    assert agent.ask("ping")["result"] == "observed"


def answer_each(connection: ssl.SSLSocket) -> None:
    while read_request(connection):
        connection.sendall(RESPONSE)
    connection.unwrap()


def whole(client: str) -> int:
    """What a client gets of the response: an HTTP client its body."""
    return len(RESPONSE if LAYERS[client] == "stream" else BODY)


@each_version
@each_client
def test_two_exchanges_on_one_connection(
    agent: BareAgent, client: str, ca: trustme.CA, version: ssl.TLSVersion
) -> None:
    with peer(over_tls(server_context(ca, version), answer_each)) as answering:
        session = Session(agent, client, answering)
        for reply in (session.exchange(), session.exchange("POST", body="x" * 64)):
            assert (reply.get("error"), reply["received"]) == (None, whole(client))
            assert reply.get("status") == (None if LAYERS[client] == "stream" else 200)
        assert session.close().get("error") is None
    assert answering.connections == 1


@each_version
@each_client
def test_a_fin_without_close_notify_in_the_middle_of_the_body(
    agent: BareAgent, client: str, ca: trustme.CA, version: ssl.TLSVersion
) -> None:
    def cut(connection: ssl.SSLSocket) -> None:
        read_request(connection)
        connection.sendall(RESPONSE[:HALF])

    with peer(over_tls(server_context(ca, version), cut)) as cutting:
        session = Session(agent, client, cutting)
        reply = session.exchange()
        session.close()
    assert reply["result"] == "observed"
    assert reply["received"] < whole(client)
    if LAYERS[client] == "stream":
        assert (reply["received"], reply["phase"]) == (HALF, "recv")
        assert reply["eof"] or reply["error"]


@each_version
@each_client
def test_a_reset_after_the_request(agent: BareAgent, client: str, ca: trustme.CA, version: ssl.TLSVersion) -> None:
    def cut(connection: ssl.SSLSocket) -> None:
        read_request(connection)
        reset(connection)

    with peer(over_tls(server_context(ca, version), cut)) as cutting:
        session = Session(agent, client, cutting)
        reply = session.exchange()
        session.close()
    assert (reply["result"], reply["received"]) == ("observed", 0)
    assert any(re.search("ECONNRESET|reset", link["message"]) for link in reply["error"]), reply["error"]
    assert reply["printed"]


@each_client
def test_a_reset_in_the_handshake(agent: BareAgent, client: str) -> None:
    def cut(raw: socket.socket) -> None:
        raw.recv(65536)
        reset(raw)

    with peer(cut) as cutting:
        session = Session(agent, client, cutting)
        reply = session.exchange()
        session.close()
    assert (reply["result"], reply["received"]) == ("observed", 0)
    assert reply["error"][0]["message"] in reply["printed"]
    if LAYERS[client] == "stream":
        assert reply["phase"] == "connect", "the handshake is a part of it"


STRANGERS = {
    "another CA": (lambda ca: server_context(trustme.CA()), "certifica|verify"),
    "another host": (
        lambda ca: server_context(ca, host="192.0.2.1"),
        "alternative name|altname|not valid for|mismatch",
    ),
}


@pytest.mark.parametrize(("stranger", "words"), STRANGERS.values(), ids=STRANGERS)
@each_client
def test_a_certificate_of_a_stranger_is_refused(
    agent: BareAgent, client: str, ca: trustme.CA, stranger: Callable[[trustme.CA], ssl.SSLContext], words: str
) -> None:
    with peer(over_tls(stranger(ca), answer_each)) as strange:
        session = Session(agent, client, strange)
        reply = session.exchange()
        session.close()
    assert (reply["result"], reply["received"]) == ("observed", 0)
    assert reply["error"][0]["message"] in reply["printed"]
    assert any(re.search(words, link["message"]) for link in reply["error"]), reply["error"]


@each_client
def test_plain_text_in_answer_to_a_client_hello(agent: BareAgent, client: str) -> None:
    def answer(raw: socket.socket) -> None:
        raw.recv(65536)
        raw.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        while raw.recv(65536):
            pass

    with peer(answer) as plain:
        session = Session(agent, client, plain)
        reply = session.exchange()
        session.close()
    assert (reply["result"], reply["received"]) == ("observed", 0)
    assert reply["error"]
    assert reply["printed"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into Linux's /proc/net/tcp")
@pytest.mark.parametrize("keepalive", [True, False])
@pytest.mark.parametrize("client", WITH_KEEP_ALIVE)
def test_keep_alive_has_the_systems_timing(agent: BareAgent, client: str, keepalive: bool) -> None:
    asked = threading.Event()
    with peer(lambda raw: asked.wait(PATIENCE)) as waiting:
        session = Session(agent, client, waiting)
        assert session.connect(tls=False, keepalive=keepalive).get("error") is None
        timer = keep_alive_timer(waiting.port)
        asked.set()
        session.close()
    system = int(Path("/proc/sys/net/ipv4/tcp_keepalive_time").read_text())
    assert timer is None if not keepalive else system - PATIENCE < timer <= system


def keep_alive_timer(port: int) -> float | None:
    """Seconds until the first probe on the one connection to the port: ``tr tm->when`` in /proc/net/tcp (proc(5))."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()]
    (timer,) = [line[5] for line in lines if line[2].endswith(f":{port:04X}")]
    kind, _, ticks = timer.partition(":")
    return int(ticks, 16) / os.sysconf("SC_CLK_TCK") if kind == "02" else None


@pytest.mark.parametrize("language", ["java", "node"])
def test_without_a_ca_it_is_the_agent_that_fails(language: str, tmp_path: Path) -> None:
    agent = BareAgent(MANIFESTS[language], tmp_path / "no-ca.pem")
    told = [name for name in (*OVER_TLS, "node/http2") if name in agent.clients and name != "node/fetch"]
    with peer(lambda raw: None) as unmet:
        replies = [Session(agent, client, unmet).exchange() for client in told]
    agent.end()
    assert {reply["result"] for reply in replies} == {"failed"}
    assert all("no-ca.pem" in reply["why"] for reply in replies)
    assert unmet.connections == 0


@pytest.mark.parametrize("client", FEATURES)
def test_a_client_says_what_it_offers_and_does_no_more(agent: BareAgent, client: str) -> None:
    assert set(agent.clients[client].features) == FEATURES[client]
    with peer(lambda raw: None) as ending:
        reply = Session(agent, client, ending).exchange()
    assert reply["result"] == ("observed" if "tls" in FEATURES[client] else "unsupported")
    assert bool(ending.connections) == ("tls" in FEATURES[client]), "it does not talk in plain text instead"


def respond(connection: h2.connection.H2Connection, stream: int, body: bytes, *, end: bool) -> None:
    connection.send_headers(stream, [(":status", "200"), ("content-length", str(len(BODY)))])
    connection.send_data(stream, body, end_stream=end)


@each_h2_client
def test_two_exchanges_on_one_connection_over_http2(agent: BareAgent, client: str, ca: trustme.CA) -> None:
    def whole_response(connection: h2.connection.H2Connection, stream: int) -> None:
        respond(connection, stream, BODY, end=True)

    with peer(over_h2(server_context(ca), whole_response)) as answering:
        session = Session(agent, client, answering)
        for reply in (session.exchange(), session.exchange("POST", body="x" * 64)):
            assert (reply.get("error"), reply["status"], reply["received"]) == (None, 200, len(BODY))
        session.close()
    assert answering.connections == 1


@each_h2_client
def test_a_stream_that_the_peer_resets_is_an_error_and_the_session_goes_on(
    agent: BareAgent, client: str, ca: trustme.CA
) -> None:
    def reset_first(connection: h2.connection.H2Connection, stream: int) -> None:
        respond(connection, stream, BODY if stream > 1 else BODY[:2], end=stream > 1)
        if stream == 1:
            connection.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)

    with peer(over_h2(server_context(ca), reset_first)) as resetting:
        session = Session(agent, client, resetting)
        first, second = session.exchange(), session.exchange()
        session.close()
    assert first["error"][0]["message"] in first["printed"]
    assert (second.get("error"), second["received"]) == (None, len(BODY))
    assert resetting.connections == 1


@each_h2_client
def test_a_strangers_certificate_is_refused_and_told_once(agent: BareAgent, client: str) -> None:
    with peer(over_h2(server_context(trustme.CA()), lambda connection, stream: None)) as strange:
        session = Session(agent, client, strange)
        reply = session.exchange()
        session.close()
    assert any(re.search("certifica", link["message"]) for link in reply["error"]), reply["error"]
    assert reply["printed"].count("Emitted 'error' event") <= 1, "as a crash prints it"


@each_h2_client
def test_a_reset_of_the_connection_is_an_error_over_http2(agent: BareAgent, client: str, ca: trustme.CA) -> None:
    def cut(raw: ssl.SSLSocket) -> None:
        raw.recv(65536)
        reset(raw)

    context = server_context(ca)
    context.set_alpn_protocols(["h2"])
    with peer(over_tls(context, cut)) as cutting:
        session = Session(agent, client, cutting)
        first, second = session.exchange(), session.exchange()
        session.close()
    for reply in (first, second):
        assert (reply["result"], reply["received"]) == ("observed", 0)
        assert reply["error"][0]["message"] in reply["printed"]


def test_node_http2_takes_a_fin_in_the_middle_of_a_body_for_its_end(
    agents: Callable[[str], BareAgent], ca: trustme.CA
) -> None:
    """Where this fails, a newer Node tells its users more, and http2.js has to say so."""

    def half(connection: h2.connection.H2Connection, stream: int) -> bool:
        respond(connection, stream, BODY[:2], end=False)
        return True

    with peer(over_h2(server_context(ca), half)) as ending:
        session = Session(agents("node/http2"), "node/http2", ending)
        first, second = session.exchange(), session.exchange()
        session.close()
    assert (first.get("error"), first["status"], first["received"]) == (None, 200, 2)
    assert [link["code"] for link in second["error"]] == ["ERR_HTTP2_INVALID_SESSION"]
    assert ending.connections == 1
