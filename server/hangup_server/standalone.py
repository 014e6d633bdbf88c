"""The same endings without the harness: one list of steps for every connection that comes to one port.

For people who want to see what their own client makes of an ending. What happens is told on standard error.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from hangup_server.endpoint import Endpoint, serve
from hangup_server.errors import StepError, explain
from hangup_server.listener import Listener
from hangup_server.script import ScriptError, script
from hangup_server.steps.listening import ListenerStep

if TYPE_CHECKING:
    import socket
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
    endpoints: list[Endpoint] = []
    serving: set[asyncio.Task[None]] = set()

    async def serve_one(endpoint: Endpoint) -> None:
        try:
            await serve(endpoint, each)
        except StepError as error:
            _tell(f"{_name(endpoint.remote)} could not go on: {error}")
        _tell(f"{_name(endpoint.remote)} {', '.join(endpoint.log().events)}")

    def arrived(sock: socket.socket, remote: Address) -> None:
        _tell(f"{_name(remote)} accepted")
        endpoint = Endpoint(sock, remote, nursery)
        endpoints.append(endpoint)
        task = loop.create_task(serve_one(endpoint))
        serving.add(task)
        task.add_done_callback(serving.discard)

    listener.accept_all(arrived, lambda error: _tell(f"cannot accept a connection: {explain(error)}"))
    _tell(f"listening on {host} port {listener.port}; Ctrl+C ends")
    await stopped.wait()
    listener.close()
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    for endpoint in endpoints:
        await endpoint.close()


def _name(remote: Address) -> str:
    return f"{remote.host} port {remote.port}:"


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
