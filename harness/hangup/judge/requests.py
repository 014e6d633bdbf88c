"""How often the last request left the client, and whether it was acted on.

A request was acted on if the peer's program had all of it and went on, or answered it with success. It was not if
nothing of it left the client, or if the protocol says so. In every other case nobody knows: bytes that the peer's
kernel acknowledged and no program read, bytes that were read in part, and bytes that a program drained behind its own
refusal prove nothing; nor does it that nothing has left of a request that the client or its kernel still holds. A
retry is safe after ``no`` alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hangup.catalogue import Scenario
from hangup.judge.ending import endings
from hangup.outcome import ActedOn, worst
from hangup.store.model import Connection, Observation, Request


class LastRequest:
    """The last request that the application made, as the connections show it."""

    def __init__(self, scenario: Scenario, observation: Observation) -> None:
        exchanges = sum(operation.op == "exchange" for operation in observation.operations)
        methods = [s.text("method", "GET") for s in scenario.flat if s.act in ("exchange", "begin exchange")]
        self.made = Counter(methods[:exchanges])
        """The requests that the application made, by method."""
        tls = "tls" in scenario.features
        self._queued = any(
            ending in ("silence", "none") and "h" in connection.history and (connection.requests or not tls)
            for ending, connection in zip(endings(scenario, observation), observation.connections, strict=True)
        )
        """Whether a connection is open on which nothing left: the client's kernel may hold the request and send it yet.
        Under TLS nothing is handed to it before the handshake is done."""
        self._unread = not tls and any("D" in c.history and not c.requests for c in observation.connections)
        """Whether bytes left on a connection that nobody could read as a request (``evidence.sent_requests``)."""
        self._waiting = any(operation.hang for operation in observation.operations)
        """Whether the client had not given up at the harness's deadline: what it was asked for it may still send."""
        self._known = bool(self.made) and observation.proved
        self._connections = observation.connections
        earlier = max(0, sum(self.made.values()) - 1)
        self._carried = _attempts(observation.connections, earlier) if self._known else []
        """The attempts of the last request, connection by connection."""
        self._attempts = [request for requests in self._carried for request in requests]

    @property
    def sent(self) -> dict[str, int] | None:
        """How often it left the client, by method; None where no request was made, or nothing was captured."""
        if not self._known:
            return None
        return dict(sorted(Counter(request.method for request in self._attempts).items()))

    @property
    def tries(self) -> int:
        """How often the client sent it or connected for it: connections without any request count too."""
        unused = sum(not connection.requests for connection in self._connections)
        return max(1, len(self._attempts) + unused)

    @property
    def acted_on(self) -> ActedOn | None:
        """Whether the peer acted on it, in any of its attempts."""
        if not self._known:
            return None
        said = {_acted_on(request) for request in self._attempts}
        if any(connection.syn_data and not connection.requests for connection in self._connections):
            said.add(ActedOn.MAYBE)
        if self._unread or self._waiting or (self._queued and not self._attempts):
            said.add(ActedOn.MAYBE)
        return worst(said) or ActedOn.NO

    def connections(self, count: int) -> list[int]:
        """The connections, of so many, whose ending the client has to tell: the last one and, if no request left on
        that, those before it on which the request had left."""
        last = count - 1
        carried = [number for number, requests in enumerate(self._carried) if requests]
        return [last] if last in carried else [*carried, last]


def _attempts(connections: Sequence[Connection], earlier: int) -> list[tuple[Request, ...]]:
    """All requests but the first ``earlier`` of the trial, by connection."""
    carried = []
    for connection in connections:
        carried.append(connection.requests[earlier:])
        earlier = max(0, earlier - len(connection.requests))
    return carried


def _acted_on(request: Request) -> ActedOn:
    if request.refused:
        return ActedOn.NO
    if request.answered is not None and 200 <= request.answered < 300:
        return ActedOn.YES
    return ActedOn.YES if request.read == "whole" and not request.drained else ActedOn.MAYBE
