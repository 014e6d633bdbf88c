"""The standard library's ``http.client``: one ``HTTPConnection``, which connects again once closed."""

from __future__ import annotations

import http.client

from plumbing.client import HttpClient, HttpRequest, Seen


class Session:
    """One connection object, used for every exchange."""

    _connection: http.client.HTTPConnection | None = None

    def exchange(self, request: HttpRequest, seen: Seen) -> None:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(request.host, request.port)
        self._connection.request(request.method, request.path, body=request.body)
        seen.phase = "recv"
        response = self._connection.getresponse()
        seen.status = response.status
        try:
            seen.received = len(response.read())
        except http.client.IncompleteRead as error:
            seen.received = len(error.partial)  # its user has these
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


CLIENT = HttpClient("python/http.client", Session)
