"""From trials to a cell: what is alike is counted together, so memory does not grow with the number of trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import zip_longest

from hangup.agents import protocol
from hangup.agents.protocol import Reply
from hangup.conduct.peer import LoggedConnection, LoggedRequest, logged
from hangup.conduct.trial import Trial
from hangup.evidence import SeenConnection, SentRequest
from hangup.store.model import (
    Cell,
    Connection,
    Event,
    Link,
    Observation,
    Operation,
    Request,
    Share,
)


class CellRecorder:
    """Collects the trials of one cell."""

    def __init__(self) -> None:
        self._forms: Counter[Observation] = Counter()
        self.invalid: str | None = None
        self.fault: str | None = None

    def add(self, trial: Trial, normalise: Callable[[str], str]) -> None:
        """One more valid trial."""
        self._forms[observe(trial, normalise)] += 1

    @property
    def trials(self) -> int:
        """How many trials it holds."""
        return self._forms.total()

    def cell(self) -> Cell:
        """The cell as it is stored."""
        total = self._forms.total()
        ordered = sorted(self._forms.items(), key=lambda item: (-item[1], item[0].model_dump_json()))
        return Cell(
            observations=tuple(form.model_copy(update={"share": share(n, total)}) for form, n in ordered),
            invalid=self.invalid,
            fault=self.fault,
        )


def share(count: int, total: int) -> Share:
    """A coarse word for ``count`` of ``total``, so that a rerun does not change it lightly."""
    if count == total:
        return "always"
    if count * 2 > total:
        return "mostly"
    return "sometimes" if count * 5 >= total else "rarely"


def observe(trial: Trial, normalise: Callable[[str], str]) -> Observation:
    """One trial, free of what changes from run to run."""
    return Observation(
        share="always",
        operations=tuple(_operation(op.op, op.reply, normalise) for op in trial.operations),
        proved=trial.proved,
        connections=tuple(
            _connection(seen, entry)
            for seen, entry in zip(trial.seen, logged([seen.port for seen in trial.seen], trial.log), strict=True)
        ),
    )


def _operation(op: str, reply: Reply | None, normalise: Callable[[str], str]) -> Operation:
    if reply is None:
        return Operation(op=op, hang=True)
    return Operation(
        op=op,
        phase=reply.phase if reply.error else None,
        status=reply.status,
        received=reply.received,
        sha256=reply.sha256,
        eof=reply.eof,
        error=_links(reply.error or (), normalise),
        printed=normalise(reply.printed) if reply.printed else None,
        events=tuple(Event(name=event.name, error=_links(event.error, normalise)) for event in reply.events or ()),
    )


def _links(chain: Sequence[protocol.Link], normalise: Callable[[str], str]) -> tuple[Link, ...]:
    return tuple(
        Link(type=link.type, message=normalise(link.message), errno=link.errno, code=link.code) for link in chain
    )


def _connection(seen: SeenConnection, entry: LoggedConnection | None) -> Connection:
    """One connection by its packets and, for what was read, by the peer's log."""
    evidence = seen.evidence
    return Connection(
        state=evidence.state,
        history=evidence.history,
        first_fin=evidence.first_fin,
        peer_fin=evidence.peer_fin,
        rst=evidence.rst,
        rst_after_fin=evidence.rst_after_fin,
        forged=evidence.forged,
        icmp=evidence.icmp,
        syn_data=seen.syn_data,
        sent=evidence.peer_bytes,
        requests=tuple(
            _request(left, read)
            for left, read in zip_longest(seen.requests, entry.requests if entry is not None else ())
            if left is not None or read.method  # HTTP/2: a request without a body has no bytes of its own
        ),
    )


def _request(left: SentRequest | None, read: LoggedRequest | None) -> Request:
    """A request as it left the client (``left``; HTTP/2 hides it) and as the peer read it (``read``)."""
    if read is None:
        read = LoggedRequest("", 0, complete=False)
    whole = True if read.complete else None if left is None else left.whole
    return Request(
        method=left.method if left is not None else read.method,
        sent="unknown" if whole is None else "whole" if whole else "partly",
        read="whole" if read.complete else "partly" if read.bytes else "none",
        drained=read.drained,
        answered=read.answered,
        refused=read.refused,
    )
