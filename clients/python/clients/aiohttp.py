"""aiohttp: a ``ClientSession``."""

from __future__ import annotations

import ssl

import aiohttp

from plumbing.client import HttpClient, HttpRequest, Seen


class Session:
    """One client session, made in the event loop."""

    def __init__(self, ca: str | None) -> None:
        self._session = aiohttp.ClientSession()
        self._ssl = True if ca is None else ssl.create_default_context(cafile=ca)  # True is the default

    async def exchange(self, request: HttpRequest, seen: Seen) -> None:
        async with self._session.request(request.method, request.url, data=request.body, ssl=self._ssl) as response:
            seen.status = response.status
            seen.received = len(await response.read())

    async def close(self) -> None:
        await self._session.close()


CLIENT = HttpClient("python/aiohttp", Session, libraries=("aiohttp",))
