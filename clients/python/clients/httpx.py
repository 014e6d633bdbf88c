"""httpx: the synchronous ``Client``."""

from __future__ import annotations

import ssl

import httpx

from plumbing.client import HttpClient, HttpRequest, Seen

_DEFAULT = httpx.create_ssl_context()
"""What each client makes anew by default (``verify=True``): 20 ms, for all the certificates of certifi."""


class Session:
    """One client of httpx."""

    def __init__(self, ca: str | None) -> None:
        verify = _DEFAULT if ca is None else ssl.create_default_context(cafile=ca)
        self._client = httpx.Client(verify=verify)

    def exchange(self, request: HttpRequest, seen: Seen) -> None:
        response = self._client.request(request.method, request.url, content=request.body)
        seen.status = response.status_code
        seen.got(response.content)

    def close(self) -> None:
        self._client.close()


CLIENT = HttpClient("python/httpx", Session, libraries=("httpx", "httpcore", "h11"))
