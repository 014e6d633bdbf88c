"""httpx: the synchronous ``Client`` with ``http2=True``, so that it speaks HTTP/2 where a peer offers it by ALPN.

A client of its own, because HTTP/2 is off unless its user turns it on. Where no peer offers HTTP/2 it is
``python/httpx``, and is measured as that.
"""

from __future__ import annotations

import ssl

import httpx

from plumbing.client import HttpClient, HttpRequest, Seen


class Session:
    """One client of httpx."""

    def __init__(self, ca: str | None) -> None:
        verify = True if ca is None else ssl.create_default_context(cafile=ca)  # True is the default
        self._client = httpx.Client(http2=True, verify=verify)

    def exchange(self, request: HttpRequest, seen: Seen) -> None:
        response = self._client.request(request.method, request.url, content=request.body)
        seen.status = response.status_code
        seen.got(response.content)

    def close(self) -> None:
        self._client.close()


CLIENT = HttpClient(
    "python/httpx-http2",
    Session,
    libraries=("httpx", "httpcore", "h2"),
    features=("tls", "h2"),
    requires=("h2",),
)
