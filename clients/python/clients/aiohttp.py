"""aiohttp: a ``ClientSession``."""

from __future__ import annotations

import ssl

import aiohttp

from plumbing.client import HttpClient, HttpRequest, Seen


class Session:
    """One client session, made in the event loop."""

    def __init__(self, ca: str | None) -> None:
        connector = None if ca is None else aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca))
        self._session = aiohttp.ClientSession(connector=connector)

    async def exchange(self, request: HttpRequest, seen: Seen) -> None:
        async with self._session.request(request.method, request.url, data=request.body) as response:
            seen.status = response.status
            seen.got(await response.read())

    async def close(self) -> None:
        await self._session.close()


CLIENT = HttpClient("python/aiohttp", Session, libraries=("aiohttp",))
