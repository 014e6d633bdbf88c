"""The same endings without the harness: one list of steps for every connection that comes to one port.

For people who want to see what their own client makes of an ending. What happens is told on standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from typing import TYPE_CHECKING

from hangup_server.endpoint import Endpoint, serve
from hangup_server.errors import StepError, explain
from hangup_server.listener import Listener
from hangup_server.script import ScriptError, script
from hangup_server.steps.ending import AwaitEnd
from hangup_server.steps.listening import ListenerStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hangup_server.log import Address
    from hangup_server.nursery import Nursery
    from hangup_server.script import Script
    from hangup_server.steps.step import Step


def for_every_client(steps: Sequence[Step]) -> Script:
    """Raises ScriptError for steps that cannot be done on every connection of one listener."""
    for step in steps:
        if isinstance(step, ListenerStep):
            raise ScriptError(f"{step.name}: a server for every client accepts all and goes on listening")
    return script(steps)


async def serve_all(host: str, port: int, each: Script, nursery: Nursery | None) -> None:
    """Serves until SIGINT or SIGTERM. Raises OSError where the address cannot be listened on."""
    listener = Listener(host, port)
    if each.hold:
        listener.hold()
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    serving: set[asyncio.Task[None]] = set()

    def arrived(sock: socket.socket, remote: Address) -> None:
        _tell(f"{_name(remote)} accepted")
        with contextlib.suppress(OSError):  # the client may have left
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # its host may vanish without a word
        task = loop.create_task(_serve_one(Endpoint(sock, remote, nursery), each))
        serving.add(task)
        task.add_done_callback(serving.discard)

    listener.accept_all(arrived, lambda error: _tell(f"cannot accept a connection: {explain(error)}"))
    _tell(f"listening on {host} port {listener.port}; Ctrl+C ends")
    await stopped.wait()
    listener.close()
    await asyncio.sleep(0)  # one that was cancelled before it began would close nothing
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


async def _serve_one(endpoint: Endpoint, each: Script) -> None:
    """Does the script; what that leaves open stays open until the client leaves. Then nothing of it is kept."""
    try:
        failed = False
        try:
            await serve(endpoint, each)
        except StepError as error:
            failed = True
            _tell(f"{_name(endpoint.remote)} could not go on: {error}")
        _tell(f"{_name(endpoint.remote)} {', '.join(endpoint.log().events)}")
        if not failed:
            with contextlib.suppress(StepError):  # the script has ended it
                await endpoint.run([AwaitEnd()])
    finally:
        await endpoint.close()


def _name(remote: Address) -> str:
    return f"{remote.host} port {remote.port}:"


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
