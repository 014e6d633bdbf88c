"""Clients over HTTP/2: real agents against a peer of the test's own, which offers it by ALPN."""

from __future__ import annotations

import re
import ssl

import h2.connection
import h2.errors
import pytest
import trustme
from sessions import FEATURES, Agents, Session
from tls_peer import BODY, over_h2, over_tls, peer, requests, reset, server_context

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

each_client = pytest.mark.parametrize("client", [name for name, features in FEATURES.items() if "h2" in features])


def respond(connection: h2.connection.H2Connection, stream: int, body: bytes, *, end: bool) -> None:
    connection.send_headers(stream, [(":status", "200"), ("content-length", str(len(BODY)))])
    connection.send_data(stream, body, end_stream=end)


@each_client
async def test_two_exchanges_share_a_connection(agents: Agents, client: str, ca: trustme.CA) -> None:
    def whole(connection: h2.connection.H2Connection, stream: int) -> None:
        respond(connection, stream, BODY, end=True)

    with peer(over_h2(ca, whole)) as answering:
        session = Session(await agents.of(client), client, answering)
        for reply in (await session.exchange(), await session.exchange("x" * 64)):
            assert (reply.error, reply.status, reply.received) == (None, 200, len(BODY))
        await session.close()
    assert answering.connections == 1


@each_client
async def test_a_stream_that_the_peer_resets_is_an_error_and_the_session_goes_on(
    agents: Agents, client: str, ca: trustme.CA
) -> None:
    def reset_first(connection: h2.connection.H2Connection, stream: int) -> None:
        respond(connection, stream, BODY if stream > 1 else BODY[:2], end=stream > 1)
        if stream == 1:
            connection.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)

    with peer(over_h2(ca, reset_first)) as resetting:
        session = Session(await agents.of(client), client, resetting)
        first, second = await session.exchange(), await session.exchange()
        await session.close()
    assert first.error
    assert (second.error, second.received) == (None, len(BODY))
    assert resetting.connections == 1


@each_client
async def test_a_strangers_certificate_is_refused_and_told_once(agents: Agents, client: str) -> None:
    with peer(over_h2(trustme.CA(), lambda connection, stream: None)) as strange:
        session = Session(await agents.of(client), client, strange)
        reply = await session.exchange()
        await session.close()
    assert any(re.search("certifica", link.message) for link in reply.error or ()), reply.error
    assert str(reply.printed).count("Emitted 'error' event") <= 1, "as a crash prints it"


@each_client
async def test_a_reset_of_the_connection_is_told(agents: Agents, client: str, ca: trustme.CA) -> None:
    def cut(connection: ssl.SSLSocket) -> None:
        next(requests(connection))  # before it has asked, it is another ending, which java/httpclient may not notice
        reset(connection)

    with peer(over_tls(server_context(ca, alpn=("h2",)), cut)) as cutting:
        session = Session(await agents.of(client), client, cutting)
        for reply in (await session.exchange(), await session.exchange()):
            assert reply.error or (client == "node/http2" and reply.status is None)  # as http2.js tells
            assert reply.received in (0, None)
        await session.close()


async def test_node_http2_takes_a_fin_in_the_middle_of_a_body_for_its_end(agents: Agents, ca: trustme.CA) -> None:
    """Where this fails, a newer Node tells its users more, and http2.js has to say so."""

    def half(connection: h2.connection.H2Connection, stream: int) -> bool:
        respond(connection, stream, BODY[:2], end=False)
        return True

    with peer(over_h2(ca, half)) as ending:
        session = Session(await agents.of("node/http2"), "node/http2", ending)
        first, second = await session.exchange(), await session.exchange()
        await session.close()
    assert (first.error, first.status, first.received) == (None, 200, 2)
    assert [link.code for link in second.error or ()] == ["ERR_HTTP2_INVALID_SESSION"]
    assert ending.connections == 1
