"""The line to a host of the docker lab (``hangup_server.host``): what it passes, and what it is asked afterwards."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

from hangup.errors import LabError
from hangup.labs.process import Process

_HOST_SECONDS = 20.0
_SAME = "the engine has to share this machine's kernel and files: Docker Desktop and remote engines do not"


class Host:
    """A host whose namespace is set up."""

    def __init__(self, container: str, control: socket.socket) -> None:
        self.container = container
        self.address = ""
        """In the run's network."""
        self._control = control
        self.withholds = False
        """Whether it keeps bare ACKs from the address that it was told."""
        self.passed: list[socket.socket] = []

    @classmethod
    async def meet(cls, container: str, listener: socket.socket, process: Process) -> Host:
        """Wait for its connection and its first message. Raises LabError where it cannot do its part."""
        loop = asyncio.get_running_loop()
        accepted = loop.create_task(loop.sock_accept(listener))
        waiting: list[asyncio.Future[Any]] = [accepted, process.ended]
        await asyncio.wait(waiting, timeout=_HOST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not accepted.done():
            accepted.cancel()
            raise LabError(f"a host of the docker lab did not reach the harness ({_last_words(process)}); {_SAME}")
        host = cls(container, accepted.result()[0])
        try:
            said = await host._hear()
        except BaseException:
            host.close()
            raise
        host.withholds = said["withholds"]
        return host

    async def connect(self, address: str, port: int) -> str:
        """What a request from there to an address gets: an error by its name, or nothing for the end of the stream."""
        self._control.send(json.dumps({"connect": [address, port]}).encode())
        return str((await self._hear())["told"])

    async def _hear(self) -> dict[str, Any]:
        """Its next message. Raises LabError where it says that it failed, or is gone."""
        loop = asyncio.get_running_loop()
        readable: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._control, readable.set_result, None)
        try:
            await readable
        finally:
            loop.remove_reader(self._control)
        message, fds, _flags, _from = socket.recv_fds(self._control, 4096, 2)
        self.passed += [socket.socket(fileno=fd) for fd in fds]
        said: dict[str, Any] = json.loads(message or '{"fatal": "it ended"}')
        if "fatal" in said:
            raise LabError(f"the docker lab's network cannot be set up: {said['fatal']}")
        return said

    def close(self) -> None:
        """Let it end. What it has passed is its owner's."""
        self._control.close()


def _last_words(process: Process) -> str:
    return process.stderr.strip().rpartition("\n")[2][:200] or "it said nothing"
