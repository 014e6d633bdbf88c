"""Stream clients over TLS, op by op, and with keep-alive: real agents against a peer of the test's own."""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path

import pytest
import trustme
from driving import until
from sessions import CLIENTS, FEATURES, Agents, Session
from tls_peer import PATIENCE, answer_each, over_tls, peer, read_request, server_context
from whole_run import LAYERS

from hangup.agents.protocol import Connect, Recv, Send, Shutdown

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

each_client = pytest.mark.parametrize("client", [name for name in CLIENTS if LAYERS[name] == "stream"])


@each_client
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


@each_client
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
@pytest.mark.parametrize("client", [name for name, features in FEATURES.items() if "keepalive" in features])
async def test_keepalive_has_the_systems_timing(agents: Agents, ca: trustme.CA, client: str, keepalive: bool) -> None:
    """Go turns it on by itself too, with a timing of its own."""
    tls = "tls" in FEATURES[client]
    play = over_tls(server_context(ca), answer_each) if tls else read_request
    with peer(play) as waiting:
        session = Session(await agents.of(client), client, waiting, tls=tls)
        assert (await session.ask(Connect, **session.target, keepalive=keepalive)).error is None
        kind, seconds = await asyncio.to_thread(settled_timer, waiting.port)
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


def settled_timer(port: int) -> tuple[str, float]:
    """None ("00"), or keep-alive's ("02"): what there is when all that was sent is acknowledged, if only for now."""
    timers = []

    def settled() -> bool:
        timers.append(next_timer(port))
        return timers[-1][0] in {"00", "02"}

    until(settled)
    return timers[-1]


def next_timer(port: int) -> tuple[str, float]:
    """The timer of the one connection to the port: its kind, and the seconds until then (``tr tm->when``, proc(5))."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()]
    established = "01"  # others may linger in TIME_WAIT, with this port as their client's
    (timer,) = [row[5] for row in rows if row[2].endswith(f":{port:04X}") and row[3] == established]
    kind, _, ticks = timer.partition(":")
    return kind, int(ticks, 16) / 100  # of a second, whatever the kernel's HZ is (USER_HZ)
