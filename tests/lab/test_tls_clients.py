"""Clients over TLS and with keep-alive: real agents against a TLS peer of the test's own.

What a client reports of each ending is for the matrix to say. Here: it speaks TLS as it is told to, trusts the one CA
that it is told to and no other, and whatever the peer does, there is a whole answer and a living agent.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from driving import until
from sessions import Agents, Session, patiently
from tls_peer import (
    BODY,
    PATIENCE,
    RESPONSE,
    Act,
    Play,
    answer_each,
    over_tls,
    peer,
    read_request,
    reset,
    server_context,
)
from whole_run import LAYERS, MANIFESTS

from hangup.agents.protocol import Connect, Link, Recv, Reply, Send, Shutdown

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

FEATURES = {
    "go/net": {"tls", "keepalive"},
    "go/net-http": {"tls", "h2"},
    "java/socket": {"tls", "keepalive"},
    "java/nio-socketchannel": {"keepalive"},
    "java/httpurlconnection": {"tls"},
    "java/httpclient": {"tls", "h2"},
    "node/net": {"tls", "keepalive"},
    "node/http": {"tls"},
    "node/fetch": {"tls"},
    "node/http2": {"tls", "h2"},
    "python/socket": {"tls", "keepalive"},
    "python/asyncio-streams": {"tls", "keepalive"},
    "python/http.client": {"tls"},
    "python/urllib3": {"tls"},
    "python/requests": {"tls"},
    "python/httpx": {"tls"},
    "python/httpx-http2": {"tls", "h2"},
    "python/aiohttp": {"tls"},
}
HTTP2_ONLY = "node/http2"
CLIENTS = [name for name, features in FEATURES.items() if "tls" in features and name != HTTP2_ONLY]
STREAM_CLIENTS = [name for name in CLIENTS if LAYERS[name] == "stream"]
HTTP_CLIENTS = [name for name in CLIENTS if LAYERS[name] == "http"]
WITH_KEEPALIVE = [name for name, features in FEATURES.items() if "keepalive" in features]
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
HALF = len(RESPONSE) - 512

each_client = pytest.mark.parametrize("client", CLIENTS)
each_stream_client = pytest.mark.parametrize("client", STREAM_CLIENTS)
each_version = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)


def whole(client: str) -> tuple[int | None, int]:
    """The status and the bytes that a client is given of the response."""
    return (200, len(BODY)) if LAYERS[client] == "http" else (None, len(RESPONSE))


async def one_exchange(agents: Agents, client: str, play: Play) -> Reply:
    """The reply to one exchange with a peer that plays this."""
    with peer(play) as playing:
        session = Session(await agents.of(client), client, playing)
        reply = await session.exchange()
        await session.close()
    return reply


def links(reply: Reply) -> list[Link]:
    assert reply.error is not None
    return reply.error


@pytest.mark.parametrize("client", LAYERS)
async def test_a_client_says_what_it_offers_and_does_no_more(agents: Agents, client: str) -> None:
    agent = await agents.of(client)
    assert set(agent.hello.clients[client].features) == FEATURES[client]
    with peer(lambda raw: None) as ending:
        reply = await patiently(Session(agent, client, ending).begin_exchange())
    assert reply.result == ("observed" if "tls" in FEATURES[client] else "unsupported")
    assert bool(ending.connections) == ("tls" in FEATURES[client]), "it does not talk in plain text instead"


@each_version
@each_client
async def test_two_exchanges_share_a_connection(
    agents: Agents, ca: trustme.CA, client: str, version: ssl.TLSVersion
) -> None:
    spoken = []

    def answer(connection: ssl.SSLSocket) -> None:
        spoken.append(connection.version())
        answer_each(connection)

    with peer(over_tls(server_context(ca, version), answer)) as answering:
        session = Session(await agents.of(client), client, answering)
        for reply in (await session.exchange(), await session.exchange("x" * 64)):
            assert (reply.error, (reply.status, reply.received)) == (None, whole(client))
        assert (await session.close()).error is None
    assert spoken == [version.name.replace("_", ".")]


@pytest.mark.parametrize("client", HTTP_CLIENTS)
async def test_http1_is_spoken_where_the_peer_offers_no_other(agents: Agents, ca: trustme.CA, client: str) -> None:
    chosen = []

    def answer(connection: ssl.SSLSocket) -> None:
        chosen.append(connection.selected_alpn_protocol())
        answer_each(connection)

    reply = await one_exchange(agents, client, over_tls(server_context(ca, alpn=("http/1.1",)), answer))
    assert (reply.error, (reply.status, reply.received)) == (None, whole(client))
    assert chosen in (["http/1.1"], [None])


def fin_before_response(connection: ssl.SSLSocket) -> None:
    read_request(connection)


def fin_mid_body(connection: ssl.SSLSocket) -> None:
    read_request(connection)
    connection.sendall(RESPONSE[:HALF])


def reset_before_response(connection: ssl.SSLSocket) -> None:
    read_request(connection)
    reset(connection)


def reset_mid_body(connection: ssl.SSLSocket) -> None:
    read_request(connection)
    connection.sendall(RESPONSE[:HALF])
    reset(connection)


@each_version
@pytest.mark.parametrize("act", [fin_before_response, fin_mid_body, reset_before_response, reset_mid_body])
@each_client
async def test_an_early_end_leaves_the_answer_short(
    agents: Agents, ca: trustme.CA, client: str, act: Act, version: ssl.TLSVersion
) -> None:
    reply = await one_exchange(agents, client, over_tls(server_context(ca, version), act))
    assert reply.received is not None
    if act is fin_mid_body:
        assert reply.received < whole(client)[1]
    else:
        assert reply.error or reply.eof
    if LAYERS[client] == "stream" and act is fin_mid_body:
        assert (reply.received, reply.phase) == (HALF, "recv")
        assert reply.eof or reply.error
    if act is reset_before_response:
        assert reply.received == 0
        if not client.startswith("python/"):  # from CPython 3.10 on SSLSocket takes it for the end of the stream
            assert any(re.search("ECONNRESET|reset", link.message) for link in links(reply)), reply.error


@each_client
async def test_a_reset_in_the_handshake_is_told(agents: Agents, client: str) -> None:
    def cut(raw: socket.socket) -> None:
        raw.recv(65536)
        reset(raw)

    reply = await one_exchange(agents, client, cut)
    assert reply.error
    assert reply.received in (0, None)
    if LAYERS[client] == "stream":
        assert reply.phase == "connect", "the handshake is a part of it"


STRANGERS: dict[str, tuple[Callable[[trustme.CA], ssl.SSLContext], str]] = {
    "another CA": (lambda ca: server_context(trustme.CA()), "certifica|verify"),
    "another host": (lambda ca: server_context(ca, host="192.0.2.1"), "alternative name|altname|valid for|mismatch"),
}


@pytest.mark.parametrize(("stranger", "words"), STRANGERS.values(), ids=STRANGERS)
@each_client
async def test_a_certificate_of_a_stranger_is_refused(
    agents: Agents, ca: trustme.CA, client: str, stranger: Callable[[trustme.CA], ssl.SSLContext], words: str
) -> None:
    reply = await one_exchange(agents, client, over_tls(stranger(ca), answer_each))
    assert any(re.search(words, link.message) for link in links(reply)), reply.error
    assert {link.errno for link in links(reply)} == {None}, "the numbers of OpenSSL are not the system's"
    assert reply.received in (0, None)
    assert reply.phase == ("exchange" if LAYERS[client] == "http" else "connect")
    if client.startswith("go/"):
        assert "*tls.CertificateVerificationError" in {link.type for link in links(reply)}
    if client.startswith("python/"):
        assert "CERTIFICATE_VERIFY_FAILED" in {link.code for link in links(reply)}


@each_client
async def test_plain_text_in_answer_to_a_client_hello_is_an_error(agents: Agents, client: str) -> None:
    def answer(raw: socket.socket) -> None:
        raw.recv(65536)
        raw.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        while raw.recv(65536):
            pass

    reply = await one_exchange(agents, client, answer)
    assert reply.error
    assert reply.received in (0, None)


@each_client
async def test_an_error_of_tls_comes_with_its_name_and_no_errno(agents: Agents, ca: trustme.CA, client: str) -> None:
    """aiohttp tells of OpenSSL's SSL_ERROR_SSL as an OSError with the same number, 1, which is EPERM's too."""

    def garble(connection: ssl.SSLSocket) -> None:
        read_request(connection)
        socket.socket.send(connection, b"\xff" * 24)  # it announces more than even Java waits for
        connection.recv(1)

    reply = await one_exchange(agents, client, over_tls(server_context(ca), garble))
    if client.startswith("go/"):
        assert "tls.RecordHeaderError" in {link.type for link in links(reply)}
    if client.startswith("python/"):
        assert "WRONG_VERSION_NUMBER" in {link.code for link in links(reply)}
    assert {link.errno for link in links(reply)} == {None}


@each_client
async def test_a_session_can_be_closed_under_a_read_that_blocks(agents: Agents, ca: trustme.CA, client: str) -> None:
    asked = []

    def silence(connection: ssl.SSLSocket) -> None:
        asked.append(read_request(connection))
        connection.recv(1)

    with peer(over_tls(server_context(ca), silence)) as silent:
        session = Session(await agents.of(client), client, silent)
        blocked = session.begin_exchange()
        await asyncio.to_thread(until, lambda: asked)
        await session.close()
        await patiently(blocked)
        await asyncio.to_thread(until, lambda: silent.ends)
    assert not any(isinstance(end, TimeoutError) for end in silent.ends), "the client's end came first"


@pytest.mark.parametrize("ca_file", ["", "/nonexistent/ca.pem"], ids=["unnamed", "missing"])
@pytest.mark.parametrize("language", MANIFESTS)
async def test_without_a_ca_to_trust_it_is_the_agent_that_fails(agents: Agents, language: str, ca_file: str) -> None:
    agent = await agents.start(language, ca_file)
    told = [
        name
        for name, features in FEATURES.items()
        if name.startswith(f"{language}/") and "tls" in features and name != "node/fetch"  # Node itself is told
    ]
    with peer(lambda raw: None) as unmet:
        for client in told:
            reply = await patiently(Session(agent, client, unmet).begin_exchange())
            assert (reply.result, "HANGUP_CA" in str(reply.why)) == ("failed", True), reply.why
    assert unmet.connections == 0
    await agent.stop()


@each_stream_client
async def test_the_ops_of_a_stream_client_work_over_tls(agents: Agents, ca: trustme.CA, client: str) -> None:
    def echo_once(connection: ssl.SSLSocket) -> None:
        connection.sendall(read_request(connection))
        connection.unwrap()

    with peer(over_tls(server_context(ca), echo_once)) as echoing:
        session = Session(await agents.of(client), client, echoing)
        assert (await session.ask(Connect, **session.target)).error is None
        assert (await session.ask(Send, data="hello\r\n\r\n")).error is None
        read = await session.ask(Recv)
        assert (read.received, read.eof, read.error) == (9, True, None)
        await session.close()


@each_stream_client
async def test_a_half_close_over_tls_is_the_apis_own(agents: Agents, ca: trustme.CA, client: str) -> None:
    """Go says it to TLS, an SSLSocket to TCP alone, and asyncio has none."""
    with peer(over_tls(server_context(ca), answer_each)) as answering:
        session = Session(await agents.of(client), client, answering)
        await session.ask(Connect, **session.target)
        error = (await session.ask(Shutdown)).error
        await session.close()
    assert [link.type for link in error or ()] == (
        ["NotImplementedError"] if client == "python/asyncio-streams" else []
    )


@pytest.mark.skipif(sys.platform != "linux", reason="looks into Linux's /proc/net/tcp")
@pytest.mark.parametrize("keepalive", [True, False])
@pytest.mark.parametrize("client", WITH_KEEPALIVE)
async def test_keepalive_has_the_systems_timing(agents: Agents, ca: trustme.CA, client: str, keepalive: bool) -> None:
    """Go turns it on by itself too, with a timing of its own."""
    tls = "tls" in FEATURES[client]
    play = over_tls(server_context(ca), answer_each) if tls else read_request
    with peer(play) as waiting:
        session = Session(await agents.of(client), client, waiting, tls=tls)
        assert (await session.ask(Connect, **session.target, keepalive=keepalive)).error is None
        kinds = {"00", "02"}  # none, or keep-alive's: once all that was sent is acknowledged
        await asyncio.to_thread(until, lambda: next_timer(waiting.port)[0] in kinds)
        kind, seconds = next_timer(waiting.port)
        await session.close()
    if keepalive:
        system = int(Path("/proc/sys/net/ipv4/tcp_keepalive_time").read_text())
        assert kind == "02"
        assert system - PATIENCE < seconds <= system
    elif client == "go/net":
        assert kind == "02"
        assert seconds <= 15
    else:
        assert kind == "00"


def next_timer(port: int) -> tuple[str, float]:
    """The timer of the one connection to the port: its kind, and the seconds until then (``tr tm->when``, proc(5))."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()]
    established = "01"  # others may linger in TIME_WAIT, with this port as their client's
    (timer,) = [row[5] for row in rows if row[2].endswith(f":{port:04X}") and row[3] == established]
    kind, _, ticks = timer.partition(":")
    return kind, int(ticks, 16) / 100  # of a second, whatever the kernel's HZ is (USER_HZ)
