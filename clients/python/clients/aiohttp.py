"""aiohttp: a ``ClientSession``."""

from __future__ import annotations

import aiohttp

from plumbing.client import HttpClient, HttpRequest, Seen


class Session:
    """One client session, made in the event loop."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession()

    async def exchange(self, request: HttpRequest, seen: Seen) -> None:
        async with self._session.request(request.method, request.url, data=request.body) as response:
            seen.status = response.status
            seen.received = len(await response.read())

    async def close(self) -> None:
        await self._session.close()


CLIENT = HttpClient("python/aiohttp", Session, libraries=("aiohttp",))
