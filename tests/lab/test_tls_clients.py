"""Clients over TLS: real agents against a TLS peer of the test's own.

What a client reports of each ending is for the matrix to say. Here: it speaks TLS as it is told to, trusts the one CA
that it is told to and no other, and whatever the peer does, there is a whole answer and a living agent.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable

import pytest
import trustme
from driving import until
from sessions import CLIENTS, FEATURES, Agents, Session, patiently
from tls_peer import (
    BODY,
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

from hangup.agents.protocol import Link, Reply

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
HALF = len(RESPONSE) - 512

each_client = pytest.mark.parametrize("client", CLIENTS)
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


@pytest.mark.parametrize("client", [name for name in CLIENTS if LAYERS[name] == "http"])
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
