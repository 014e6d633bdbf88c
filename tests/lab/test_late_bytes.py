"""What an API hands out beside an error, or after it, counts too: real agents against a peer of the test's own."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import threading

import h2.connection
import h2.errors
import pytest
import trustme
from sessions import Agents, Session
from tls_peer import Play, over_h2, peer, read_request, reset

from hangup import paths
from hangup.agents.protocol import Connect, Event, Recv, Reply, Send
from hangup_server.http import body, chunk, response_head

pytestmark = pytest.mark.lab
in_the_agents_loop = pytest.mark.asyncio(loop_scope="module")

ENDINGS = {
    "bytes behind the body": (response_head(length=1024) + body(1024) + b"and more", 1024, "HPE_INVALID_CONSTANT"),
    "no chunk": (response_head(chunked=True) + chunk(512) + b"upstream error\r\n", 512, "HPE_INVALID_CHUNK_SIZE"),
    "an end within the body": (response_head(length=1024) + body(512), 512, "ECONNRESET"),
    "an end within the head": (response_head(length=1024)[:20], 0, "ECONNRESET"),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n", 0, "HPE_INVALID_CONSTANT"),
}
"""What comes in one segment, with a FIN; the bytes of it that are handed out, and the code of the error."""


def of_the_text(reply: Reply, size: int) -> bool:
    """Whether a reply tells of so many bytes, which are the beginning of the peer's text."""
    return (reply.received, reply.sha256) == (size, hashlib.sha256(body(size)).hexdigest() if size else None)


def codes(events: list[Event] | None) -> list[tuple[str, str | None]]:
    return [(event.name, event.error[0].code) for event in events or ()]


def saying(data: bytes) -> Play:
    """Answer a request with these bytes and a FIN, all in one segment, and wait for the client's end."""

    def play(connection: socket.socket) -> None:
        read_request(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    return play


@pytest.mark.parametrize(("data", "size", "code"), ENDINGS.values(), ids=ENDINGS)
@in_the_agents_loop
async def test_node_http_gives_the_body_that_comes_after_the_error(
    agents: Agents, data: bytes, size: int, code: str
) -> None:
    """Where the head is in the segment that the parser refuses, the error is told before any byte of the body."""
    with peer(saying(data)) as talking:
        session = Session(await agents.of("node/http"), "node/http", talking, tls=False)
        reply = await session.exchange()
        await session.close()
    assert [link.code for link in reply.error or ()] == [code]
    assert of_the_text(reply, size), reply
    cut = code == "HPE_INVALID_CHUNK_SIZE"  # the body is not whole, so the response fails too
    assert codes(reply.events) == ([("error of the response", "ECONNRESET")] if cut else [])


@in_the_agents_loop
async def test_node_http2_gives_the_data_that_come_with_an_error(agents: Agents, ca: trustme.CA) -> None:
    def data_and_reset(connection: h2.connection.H2Connection, stream: int) -> None:
        connection.send_headers(stream, [(":status", "200"), ("content-length", "1024")])
        connection.send_data(stream, body(512))
        connection.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)

    with peer(over_h2(ca, data_and_reset)) as resetting:
        session = Session(await agents.of("node/http2"), "node/http2", resetting)
        reply = await session.exchange()
        await session.close()
    assert [link.code for link in reply.error or ()] == ["ERR_HTTP2_STREAM_ERROR"]
    assert of_the_text(reply, 512), reply
    assert reply.events is None


@pytest.mark.parametrize("client", ["python/socket", "go/net", "java/socket", "java/nio-socketchannel"])
@in_the_agents_loop
async def test_a_blocking_client_reads_behind_an_error_of_writing(agents: Agents, client: str) -> None:
    """Linux keeps what came before a RST, and Python, Go and Java still read it when a write has failed."""
    resets = threading.Event()

    def text_and_reset(connection: socket.socket) -> None:
        connection.sendall(body(50))
        resets.wait()
        reset(connection)

    with peer(text_and_reset) as resetting:
        session = Session(await agents.of(client), client, resetting, tls=False)
        assert (await session.ask(Connect, **session.target)).error is None
        resets.set()
        while (await session.ask(Send, data="x")).error is None:
            pass  # the RST is on its way
        assert of_the_text(await session.ask(Recv, bytes=50), 50)
        await session.close()


TELLING = """
import { EventEmitter } from 'node:events';
import { Told } from './told.js';

const [closes] = process.argv.slice(2);
const [request, response] = [new EventEmitter(), new EventEmitter()];
const told = new Told(({ chunks, error, events }) => {
  const names = events.map(({ name, error }) => [name, error.message]);
  console.log(JSON.stringify([String(Buffer.concat(chunks)), error.message, names]));
});
told.follow('request', request);
told.follow('response', response);
const first = new Error('first');
request.emit('error', first);
response.emit('error', first);
setImmediate(() => {
  told.got(Buffer.from('late'));
  told.whole();
  response.emit('error', new Error('second'));
  request.emit('error', new Error('third'));
  if (closes === 'both') request.emit('close');
  if (closes !== 'none') response.emit('close');
});
"""


@pytest.mark.parametrize("closes", ["both", "one", "none"])
def test_a_close_that_is_missing_holds_no_answer_back(closes: str) -> None:
    """What Node's own emitters never do, as far as its source shows."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here")
    done = subprocess.run(
        [node, "--input-type=module", "-", closes], input=TELLING, cwd=paths.clients() / "node",
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    errors = [["error of the response", "second"], ["error of the request", "third"]]
    assert json.loads(done.stdout) == ["late", "first", errors]
