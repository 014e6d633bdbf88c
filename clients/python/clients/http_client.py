"""``http.client``: one ``HTTPConnection``, or ``HTTPSConnection``, which connects again once closed."""

from __future__ import annotations

import http.client
import ssl

from plumbing.client import HttpClient, HttpRequest, Seen


class Session:
    """One connection object, used for every exchange."""

    _connection: http.client.HTTPConnection | None = None

    def __init__(self, ca: str | None) -> None:
        self._context = None if ca is None else ssl.create_default_context(cafile=ca)

    def exchange(self, request: HttpRequest, seen: Seen) -> None:
        if self._connection is None:
            self._connection = self._connect(request.host, request.port)
        self._connection.request(request.method, request.path, body=request.body)
        seen.phase = "recv"
        response = self._connection.getresponse()
        seen.status = response.status
        try:
            seen.got(response.read())
        except http.client.IncompleteRead as error:
            seen.got(error.partial)  # its user has these
            raise

    def _connect(self, host: str, port: int) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(host, port)
        return http.client.HTTPSConnection(host, port, context=self._context)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


CLIENT = HttpClient("python/http.client", Session)
