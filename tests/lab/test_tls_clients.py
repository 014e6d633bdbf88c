"""Clients over TLS, HTTP/2 and with keep-alive: real agents against a TLS peer of the test's own.

What a client reports of each ending is for the matrix to say. Here: it speaks TLS as it is told to, trusts whom it is
told to, and whatever the peer does, there is a whole answer and a living agent.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
import trustme
from driving import require_lab, until
from tls_peer import (
    BODY,
    HEAD,
    Act,
    Peer,
    answer,
    answer_h2,
    end_before_response,
    garble,
    read_request,
    reset_mid_body,
    silence,
    tls_peer,
)
from whole_run import LAYERS, MANIFESTS

from hangup.agents.agent import Agent
from hangup.agents.protocol import Close, Connect, Exchange, Message, Recv, Reply, Send, Shutdown
from hangup.errors import BuildError
from hangup.labs import Lab, open_lab

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

LANGUAGES = ("go", "python")
CLIENTS = [name for name in LAYERS if name.startswith(tuple(f"{language}/" for language in LANGUAGES))]
PATIENCE = 10.0

each_client = pytest.mark.parametrize("client", CLIENTS)
each_stream_client = pytest.mark.parametrize("client", [name for name in CLIENTS if LAYERS[name] == "stream"])
each_version = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


class Agents:
    """The agents by language, started when first wanted."""

    def __init__(self, lab: Lab, ca: Path) -> None:
        self._lab, self._ca = lab, ca
        self._started: dict[str, Agent] = {}

    async def start(self, language: str, env: dict[str, str]) -> Agent:
        """A new agent; it is the caller's to stop."""
        manifest = MANIFESTS[language]
        try:
            build = await self._lab.prepare(manifest, lambda title: None)
        except BuildError as error:
            pytest.skip(f"{language}/*: {error}")
        manifest = manifest.model_copy(update={"env": {**manifest.env, **env}})
        return await Agent.start(self._lab, replace(build, manifest=manifest))

    async def of(self, client: str) -> Agent:
        """The agent that hosts a client."""
        language = client.partition("/")[0]
        if language not in self._started:
            self._started[language] = await self.start(language, {"HANGUP_CA": str(self._ca)})
        return self._started[language]

    async def stop(self) -> None:
        """End all of them."""
        for agent in self._started.values():
            await agent.stop()


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """The CA that the agents trust."""
    return trustme.CA()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agents(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Agents]:
    """Agents in the loopback lab."""
    await asyncio.to_thread(require_lab, "loopback")  # which runs an event loop of its own
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    async with open_lab("loopback") as lab:
        agents = Agents(lab, path)
        yield agents
        await agents.stop()


_NAMES = count(1)


class Session:
    """A session of a client, and how to ask it."""

    def __init__(self, agent: Agent, client: str, peer: Peer) -> None:
        self.agent, self.client, self.peer = agent, client, peer
        self.name = f"session-{next(_NAMES)}"

    def begin(self, make: Callable[..., Message], **fields: object) -> asyncio.Future[Reply]:
        """Ask, and do not wait."""
        fields |= {"client": self.client, "session": self.name}
        return self.agent.ask(lambda id: make(id=id, **fields))[1]

    async def ask(self, make: Callable[..., Message], **fields: object) -> Reply:
        """Ask, and wait for the reply, which must be the API's own."""
        reply = await asyncio.wait_for(self.begin(make, **fields), PATIENCE)
        assert reply.result == "observed", reply.why
        assert bool(reply.error) == bool(reply.printed)
        return reply

    def target(self) -> dict[str, object]:
        return {"host": "127.0.0.1", "port": self.peer.port, "tls": True}

    def begin_exchange(self) -> asyncio.Future[Reply]:
        request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{self.peer.port}\r\n\r\n"
        announced = len(HEAD + BODY)
        fields = {"method": "GET", "path": "/", "body": "", "request": request, "announced": announced}
        return self.begin(Exchange, **self.target(), **fields)

    async def exchange(self) -> Reply:
        reply = await asyncio.wait_for(self.begin_exchange(), PATIENCE)
        assert reply.result == "observed", reply.why
        assert bool(reply.error) == bool(reply.printed)
        return reply


async def one_exchange(agents: Agents, client: str, ca: trustme.CA, act: Act) -> Reply:
    with tls_peer(ca, act) as peer:
        agent = await agents.of(client)
        session = Session(agent, client, peer)
        reply = await session.exchange()
        await session.ask(Close)
        assert await agent.alive()
    return reply


def whole(reply: Reply, client: str) -> bool:
    http = LAYERS[client] == "http"
    wanted = (200, len(BODY)) if http else (None, len(HEAD + BODY))
    return reply.error is None and (reply.status, reply.received) == wanted


@each_version
@each_client
async def test_two_exchanges_share_a_connection(
    agents: Agents, ca: trustme.CA, client: str, version: ssl.TLSVersion
) -> None:
    with tls_peer(ca, answer, version=version) as peer:
        session = Session(await agents.of(client), client, peer)
        first, second = await session.exchange(), await session.exchange()
        (connection,) = peer.connections
        assert connection.version() == version.name.replace("_", ".")
        assert (await session.ask(Close)).error is None
    assert whole(first, client)
    assert whole(second, client)


@pytest.mark.parametrize("act", [end_before_response, reset_mid_body])
@each_client
async def test_an_early_end_is_told(agents: Agents, ca: trustme.CA, client: str, act: Act) -> None:
    reply = await one_exchange(agents, client, ca, act)
    assert reply.error or reply.eof
    assert not whole(reply, client)


@each_client
async def test_a_certificate_of_another_ca_is_refused(agents: Agents, client: str) -> None:
    reply = await one_exchange(agents, client, trustme.CA(), answer)
    assert reply.error is not None
    if client.startswith("go/"):
        assert "*tls.CertificateVerificationError" in {link.type for link in reply.error}
    else:
        assert "CERTIFICATE_VERIFY_FAILED" in {link.code for link in reply.error}
    assert {link.errno for link in reply.error} == {None}  # OpenSSL's numbers are not the system's
    assert reply.phase == ("exchange" if LAYERS[client] == "http" else "connect")


@each_client
async def test_an_error_of_tls_comes_with_its_name_and_no_errno(agents: Agents, ca: trustme.CA, client: str) -> None:
    """aiohttp tells of OpenSSL's SSL_ERROR_SSL as an OSError with the same number, 1, which is EPERM's too."""
    reply = await one_exchange(agents, client, ca, garble)
    assert reply.error is not None
    if client.startswith("go/"):
        assert "tls.RecordHeaderError" in {link.type for link in reply.error}
    else:
        assert "WRONG_VERSION_NUMBER" in {link.code for link in reply.error}
    assert {link.errno for link in reply.error} == {None}


@each_client
async def test_a_session_can_be_closed_under_a_read_that_blocks(agents: Agents, ca: trustme.CA, client: str) -> None:
    with tls_peer(ca, silence) as peer:
        session = Session(await agents.of(client), client, peer)
        blocked = session.begin_exchange()
        await asyncio.to_thread(until, lambda: peer.connections)
        await session.ask(Close)
        await asyncio.wait_for(blocked, PATIENCE)
    assert peer.ends
    assert "TimeoutError" not in peer.ends  # the client's end came first


@pytest.mark.parametrize("language", LANGUAGES)
async def test_without_a_ca_to_trust_it_is_the_agent_that_fails(agents: Agents, language: str) -> None:
    agent = await agents.start(language, {})
    client = next(name for name in CLIENTS if name.startswith(language))
    reply = await asyncio.wait_for(Session(agent, client, Peer(1)).begin_exchange(), PATIENCE)
    assert (reply.result, "HANGUP_CA" in str(reply.why)) == ("failed", True)
    await agent.stop()


@pytest.mark.parametrize("client", ["go/net-http", "python/httpx-http2"])
async def test_http2_is_spoken_where_the_peer_offers_it(agents: Agents, ca: trustme.CA, client: str) -> None:
    with tls_peer(ca, answer_h2, alpn=("h2", "http/1.1")) as peer:
        agent = await agents.of(client)
        assert "h2" in agent.hello.clients[client].features
        session = Session(agent, client, peer)
        first, second = await session.exchange(), await session.exchange()
        assert len(peer.connections) == 1
        await session.ask(Close)
    assert whole(first, client)
    assert whole(second, client)


@pytest.mark.parametrize("client", [name for name in CLIENTS if LAYERS[name] == "http"])
async def test_http1_is_spoken_where_the_peer_offers_no_other(agents: Agents, ca: trustme.CA, client: str) -> None:
    with tls_peer(ca, answer, alpn=("http/1.1",)) as peer:
        session = Session(await agents.of(client), client, peer)
        assert whole(await session.exchange(), client)
        assert peer.connections[0].selected_alpn_protocol() in ("http/1.1", None)
        await session.ask(Close)


@each_stream_client
async def test_the_ops_of_a_stream_client_work_over_tls(agents: Agents, ca: trustme.CA, client: str) -> None:
    def echo_once(connection: ssl.SSLSocket) -> None:
        connection.sendall(read_request(connection))
        connection.unwrap()

    with tls_peer(ca, echo_once) as peer:
        session = Session(await agents.of(client), client, peer)
        assert (await session.ask(Connect, **session.target())).error is None
        assert (await session.ask(Send, data="hello\r\n\r\n")).error is None
        read = await session.ask(Recv)
        assert (read.received, read.eof, read.error) == (9, True, None)
        await session.ask(Close)


@each_stream_client
async def test_a_half_close_over_tls_is_the_apis_own(agents: Agents, ca: trustme.CA, client: str) -> None:
    """Go says it to TLS, an SSLSocket to TCP alone, and asyncio has none."""
    with tls_peer(ca, answer) as peer:
        session = Session(await agents.of(client), client, peer)
        await session.ask(Connect, **session.target())
        error = (await session.ask(Shutdown)).error
        await session.ask(Close)
    assert [link.type for link in error or ()] == (
        ["NotImplementedError"] if client == "python/asyncio-streams" else []
    )


@each_stream_client
async def test_keepalive_has_the_systems_timing(agents: Agents, ca: trustme.CA, client: str) -> None:
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("no /proc/net/tcp here")
    with tls_peer(ca, answer) as peer:
        agent = await agents.of(client)
        assert "keepalive" in agent.hello.clients[client].features
        session = Session(agent, client, peer)
        await session.ask(Connect, **session.target(), keepalive=True)
        remote = f"0100007F:{peer.port:04X}"

        def timer() -> tuple[str, int]:
            """The kernel's next timer of the connection: its kind, and the hundredths of a second until then."""
            (row,) = (row for line in table.read_text().splitlines()[1:] if (row := line.split())[2] == remote)
            kind, _, remaining = row[5].partition(":")
            return kind, int(remaining, 16)

        await asyncio.to_thread(
            until, lambda: timer()[0] == "02"
        )  # keep-alive's, once all that was sent is acknowledged
        remaining = timer()[1] / 100
        await session.ask(Close)
    system = int(Path("/proc/sys/net/ipv4/tcp_keepalive_time").read_text())
    assert system - PATIENCE < remaining <= system
