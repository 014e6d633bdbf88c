"""One trial: a listener, its first connection, on which batches of steps run, and all further ones.

Further connections are what a client opens by itself, such as a silent retry: each is accepted, logged and
served with steps of its own. It knows nothing of the messages that ask for all this.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from hangup_server.endpoint import Endpoint, serve
from hangup_server.errors import StepError, explain
from hangup_server.steps.holding import HoldData
from hangup_server.steps.listening import Accept, ListenerStep, Serve, StopListening

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Sequence

    from hangup_server.listener import Listener
    from hangup_server.log import Address, ConnectionLog
    from hangup_server.nursery import Nursery
    from hangup_server.script import Script
    from hangup_server.steps.step import Step


class Trial:
    """`run` raises StepError where a step cannot be done; `close` must be called whatever happened."""

    def __init__(self, listener: Listener, further: Script, nursery: Nursery | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._further = further
        self._nursery = nursery
        self._endpoints: list[Endpoint] = []
        self._first: asyncio.Future[Endpoint] | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def first(self) -> Endpoint | None:
        """The first connection, once it is accepted."""
        return self._endpoints[0] if self._endpoints else None

    async def run(self, steps: Sequence[Step]) -> None:
        """Does the steps in order, on the listener and on the first connection."""
        batch: list[Step] = []
        for step in steps:
            if not self._concerns_listener(step):
                batch.append(step)
                continue
            await self._run_batch(batch)
            batch = []
            await self._do(step)
        await self._run_batch(batch)

    def _concerns_listener(self, step: Step) -> bool:
        if isinstance(step, HoldData):
            return not self._endpoints
        return isinstance(step, (Accept, ListenerStep, Serve))

    async def _do(self, step: Step) -> None:
        if isinstance(step, StopListening):
            await step.run(self._listener)
        elif isinstance(step, Serve):
            self._serve_first()
        elif not self._listener.listening:
            raise StepError(f"{step.name}: the peer does not listen any more")
        elif isinstance(step, HoldData):
            self._listener.hold()
        elif self._first is not None:
            raise StepError(f"{step.name}: from the first accept on, every connection is accepted at once")
        elif isinstance(step, Accept):
            await self._accept(step.process)
        elif isinstance(step, ListenerStep):
            await step.run(self._listener)

    async def _run_batch(self, batch: Sequence[Step]) -> None:
        if not batch:
            return
        if not self._endpoints:
            raise StepError(f"{batch[0].name}: no connection is accepted yet")
        await self._endpoints[0].run(batch)

    async def _accept(self, process: bool) -> None:
        self._first = self._loop.create_future()
        self._listener.accept_all(self._arrived, self._failed)
        endpoint = await self._first
        if process:
            await endpoint.give_away()

    def _serve_first(self) -> None:
        if not self._endpoints:
            raise StepError("serve: no connection is accepted yet")
        endpoint = self._endpoints[0]
        self._serve_beside(lambda: endpoint.run(self._further.steps))

    def _arrived(self, sock: socket.socket, remote: Address) -> None:
        endpoint = Endpoint(sock, remote, self._nursery)
        self._endpoints.append(endpoint)
        if len(self._endpoints) == 1:
            self._arrived_first(endpoint)
        else:
            self._arrived_further(endpoint)

    def _arrived_first(self, endpoint: Endpoint) -> None:
        if not self._further.hold:
            self._listener.release()
        if self._first is not None and not self._first.done():
            self._first.set_result(endpoint)

    def _arrived_further(self, endpoint: Endpoint) -> None:
        if self._further.process or self._further.steps:
            self._serve_beside(lambda: serve(endpoint, self._further))

    def _failed(self, error: OSError) -> None:
        if self._first is not None and not self._first.done():
            self._first.set_exception(StepError(f"accept: {explain(error)}"))

    def _serve_beside(self, serving: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """The trial may be closed before it begins."""

        async def serve_on() -> None:
            with contextlib.suppress(StepError):  # the connection's log has it
                await serving()

        task = self._loop.create_task(serve_on())
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    def stop_listening(self) -> None:
        """Takes no further connection: those that come are refused."""
        self._listener.close()

    async def close(self) -> list[tuple[Address, ConnectionLog]]:
        """Ends whatever is left, and says what was read and sent, connection by connection.

        The caller sees to it that no `run` is under way.
        """
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        for sock, remote in self._listener.waiting():
            self._endpoints.append(Endpoint(sock, remote, self._nursery))
        self._listener.close()
        for endpoint in self._endpoints:
            await endpoint.close()
        return self.log()

    def log(self) -> list[tuple[Address, ConnectionLog]]:
        """What was read and sent so far, connection by connection."""
        return [(endpoint.remote, endpoint.log()) for endpoint in self._endpoints]
