"""requests: a ``Session``, so that connections are kept and used again."""

from __future__ import annotations

import requests

from plumbing.client import HttpClient, HttpRequest, Seen


class Session:
    """One session of requests."""

    def __init__(self, ca: str | None) -> None:
        self._session = requests.Session()
        if ca is not None:
            self._session.verify = ca

    def exchange(self, request: HttpRequest, seen: Seen) -> None:
        response = self._session.request(request.method, request.url, data=request.body)
        seen.status = response.status_code
        seen.got(response.content)

    def close(self) -> None:
        self._session.close()


CLIENT = HttpClient("python/requests", Session, libraries=("requests", "urllib3"))
