"""From trials to a cell: what is alike is counted together, so memory does not grow with the number of trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from hangup.agents.protocol import Reply
from hangup.catalogue import Scenario
from hangup.conduct.trial import Trial
from hangup.evidence import ConnectionEvidence
from hangup.store.model import (
    Cell,
    Connection,
    Ending,
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

    def add(self, trial: Trial, scenario: Scenario, normalise: Callable[[str], str]) -> None:
        """One more valid trial."""
        self._forms[observe(trial, scenario, normalise)] += 1

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


def observe(trial: Trial, scenario: Scenario, normalise: Callable[[str], str]) -> Observation:
    """One trial, free of what changes from run to run."""
    shown = trial.evidence or (trial.proved and "nothing" in scenario.wire.end)
    return Observation(
        share="always",
        operations=tuple(_operation(op.op, op.reply, normalise) for op in trial.operations),
        state=" or ".join(scenario.wire.end) if shown else None,
        connections=_connections(trial, scenario),
    )


def _operation(op: str, reply: Reply | None, normalise: Callable[[str], str]) -> Operation:
    if reply is None:
        return Operation(op=op, hang=True)
    return Operation(
        op=op,
        phase=reply.phase if reply.error else None,
        status=reply.status,
        received=reply.received,
        eof=reply.eof,
        error=tuple(
            Link(type=link.type, message=normalise(link.message), errno=link.errno, code=link.code)
            for link in reply.error or ()
        ),
        printed=normalise(reply.printed) if reply.printed else None,
    )


def _connections(trial: Trial, scenario: Scenario) -> tuple[Connection, ...]:
    """Evidence and log, connection by connection. The log lacks those that the peer never saw (refused, vanished)."""
    logged: Sequence[tuple[Request, ...]] = [
        tuple(Request(method=r.method, complete=r.complete) for r in entry.requests) for entry in trial.log
    ]
    asked = sum(operation.op == "exchange" for operation in trial.operations) if len(trial.evidence) == 1 else 1
    whole = scenario.announced * max(1, asked)
    endings = [
        ending(evidence, whole=whole, drawn=index == 0 and scenario.wire.rst is not None)
        for index, evidence in enumerate(trial.evidence)
    ]
    if endings and any((step.actor, step.act) == ("network", "abort") for step in scenario.flat):
        endings[0] = "aborted"
    return tuple(
        Connection(ending=ended, sent=evidence.peer_bytes, requests=logged[index] if index < len(logged) else ())
        for index, (ended, evidence) in enumerate(zip(endings, trial.evidence, strict=True))
    )


def ending(evidence: ConnectionEvidence, *, whole: int, drawn: bool) -> Ending:
    """What the peer or the network did to a connection; the client's own closing is not an ending of this kind.

    ``whole``: bytes of all that was asked for on it, less of which is a silence where nothing else happened. A RST
    behind the peer's FIN counts where ``drawn``: where the scenario makes a claim of it. Elsewhere it answers what the
    client happens to send when all is over, before or after it is observed.
    """
    if evidence.state == "REJ" or "port-unreachable" in evidence.icmp:
        return "refused"
    if evidence.icmp:
        return "unreachable"
    if "peer" in evidence.rst and not evidence.rst_after_fin:
        return "rst"
    if "peer" in evidence.rst and drawn:
        return "fin, rst"
    if evidence.peer_fin:
        return "fin"
    return "silence" if evidence.peer_bytes < whole else "none"
