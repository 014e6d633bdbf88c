"""urllib3: a ``PoolManager`` with its defaults, among them three retries of what it holds safe to repeat."""

from __future__ import annotations

import urllib3

from plumbing.client import HttpClient, HttpRequest, Seen


class Session:
    """One pool manager."""

    def __init__(self, ca: str | None) -> None:
        self._pool = urllib3.PoolManager() if ca is None else urllib3.PoolManager(ca_certs=ca)

    def exchange(self, request: HttpRequest, seen: Seen) -> None:
        response = self._pool.request(request.method, request.url, body=request.body)
        seen.status = response.status
        seen.got(response.data)

    def close(self) -> None:
        self._pool.clear()


CLIENT = HttpClient("python/urllib3", Session, libraries=("urllib3",))
