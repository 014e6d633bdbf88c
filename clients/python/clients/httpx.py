"""httpx: the synchronous ``Client``."""

from __future__ import annotations

import ssl

import httpx

from plumbing.client import HttpClient, HttpRequest, Seen


class Session:
    """One client of httpx."""

    def __init__(self, ca: str | None) -> None:
        verify = True if ca is None else ssl.create_default_context(cafile=ca)  # True is the default
        self._client = httpx.Client(verify=verify)

    def exchange(self, request: HttpRequest, seen: Seen) -> None:
        response = self._client.request(request.method, request.url, content=request.body)
        seen.status = response.status_code
        seen.received = len(response.content)

    def close(self) -> None:
        self._client.close()


CLIENT = HttpClient("python/httpx", Session, libraries=("httpx", "httpcore", "h11"))
