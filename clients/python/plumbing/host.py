"""The sessions by name, and where their ops run: plain methods in threads, coroutines in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Callable

from plumbing.protocol import Close, Reply
from plumbing.session import Session

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from plumbing.client import Client
    from plumbing.protocol import Request

THREADS = 4096
"""Ops of blocking clients that can run at once. The pool starts a thread only when none is idle."""


class Host:
    """It takes requests from one thread, and answers each through ``reply`` from any thread."""

    def __init__(self, clients: Mapping[str, Client], reply: Callable[[Reply], None]) -> None:
        self._clients = clients
        self._reply = reply
        self._sessions: dict[str, Session] = {}
        self._threads = ThreadPoolExecutor(THREADS)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def accept(self, request: Request) -> None:
        """Start an op, and return at once."""
        client = self._clients.get(request.client)
        if client is None:
            self._reply(Reply(request.id, "failed", why=f"this agent has no client {request.client}"))
        elif request.op not in client.ops:
            self._reply(Reply(request.id, "unsupported"))
        elif isinstance(request, Close):
            session = self._sessions.pop(request.session, None)
            if session is None or session.abandon():
                self._reply(Reply(request.id, "observed", phase="close"))
            else:
                self._start(session, request, client)
        else:
            if request.session not in self._sessions:
                self._sessions[request.session] = Session(client)
            self._start(self._sessions[request.session], request, client)

    def _start(self, session: Session, request: Request, client: Client) -> None:
        session.begin()
        if inspect.iscoroutinefunction(client.session.close):
            asyncio.run_coroutine_threadsafe(self._answer(session, request), self._loop)
        else:
            self._threads.submit(_run_without_waiting, self._answer(session, request))

    async def _answer(self, session: Session, request: Request) -> None:
        self._reply(await session.run(request))


def _run_without_waiting(coroutine: Coroutine[None, None, None]) -> None:
    """Run a coroutine that never waits, as it does not where a client's methods are plain."""
    with contextlib.suppress(StopIteration):
        coroutine.send(None)
