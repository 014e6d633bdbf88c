"""What the tests of clients over TLS ask with: real agents, each a process of the loopback lab, and their sessions.

It knows what each client offers, and no ending.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from tls_peer import HOST, PATIENCE, RESPONSE, Peer
from whole_run import MANIFESTS

from hangup.agents.agent import Agent
from hangup.agents.protocol import Close, Exchange, Message, Reply
from hangup.errors import BuildError
from hangup.labs import Lab

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
"""What each client is expected to offer."""
CLIENTS = [name for name, features in FEATURES.items() if "tls" in features and name != "node/http2"]
"""Those that speak HTTP/1.1 or none over TLS."""

_NAMES = count(1)


class Agents:
    """The agents by language, started when first wanted."""

    def __init__(self, lab: Lab, ca: Path) -> None:
        """``ca``: the file with the authority that they trust."""
        self._lab, self._ca = lab, ca
        self._started: dict[str, Agent] = {}

    async def start(self, language: str, ca: str) -> Agent:
        """A new agent; it is the caller's to stop."""
        manifest = MANIFESTS[language]
        try:
            build = await self._lab.prepare(manifest, lambda title: None)
        except BuildError as error:
            pytest.skip(f"{language}/*: {error}")
        manifest = manifest.model_copy(update={"env": manifest.environment(ca)})  # before the lab's own authority
        return await Agent.start(self._lab, replace(build, manifest=manifest))

    async def of(self, client: str) -> Agent:
        """The agent that hosts a client."""
        language = client.partition("/")[0]
        if language not in self._started:
            self._started[language] = await self.start(language, str(self._ca))
        return self._started[language]

    async def stop(self) -> None:
        """End all of them."""
        for agent in self._started.values():
            await agent.stop()


class Session:
    """A session of a client with one peer."""

    def __init__(self, agent: Agent, client: str, peer: Peer, *, tls: bool = True) -> None:
        self._agent, self._client = agent, client
        self._name = f"session-{next(_NAMES)}"
        self.target: dict[str, object] = {"host": HOST, "port": peer.port, "tls": tls}

    def begin(self, make: Callable[..., Message], **fields: object) -> asyncio.Future[Reply]:
        """Ask, and do not wait."""
        fields |= {"client": self._client, "session": self._name}
        return self._agent.ask(lambda id: make(id=id, **fields))[1]

    def begin_exchange(self, body: str = "") -> asyncio.Future[Reply]:
        """A GET, or a POST where there is a body."""
        method = "POST" if body else "GET"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        request = f"{method} / HTTP/1.1\r\nHost: {HOST}\r\n{length}\r\n{body}"
        return self.begin(
            Exchange, **self.target,
            method=method, path="/", body=body, request=request, announced=len(RESPONSE),
        )  # fmt: skip

    async def ask(self, make: Callable[..., Message], **fields: object) -> Reply:
        """Ask, and wait for the reply, which must be the API's own."""
        return observed(await patiently(self.begin(make, **fields)))

    async def exchange(self, body: str = "") -> Reply:
        """The same for an exchange."""
        return observed(await patiently(self.begin_exchange(body)))

    async def close(self) -> Reply:
        """The same for the end of the session, after which the agent still answers."""
        reply = await self.ask(Close)
        assert await self._agent.alive()
        return reply


async def patiently(asked: asyncio.Future[Reply]) -> Reply:
    """The reply; the agent may still give it when nobody waits any more."""
    async with asyncio.timeout(PATIENCE):
        return await asyncio.shield(asked)


def observed(reply: Reply) -> Reply:
    """The reply, where it is what the API gave, and an error is printed as it is."""
    assert reply.result == "observed", reply.why
    if reply.error is None:
        assert reply.printed is None
    else:
        assert reply.error[0].message in str(reply.printed)
    return reply
