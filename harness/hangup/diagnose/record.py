"""A finding as one JSON object, with the field names of Zeek's conn.log where it has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hangup.diagnose.acted_on import RETRY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hangup.diagnose.causes import Evidence, Hypothesis
    from hangup.diagnose.finding import Finding
    from hangup.diagnose.matching import Report
    from hangup.matrix import JudgedCell

_SECOND = 1_000_000_000


def record(finding: Finding, reports: Sequence[Report] = ()) -> dict[str, object]:
    """Names: https://docs.zeek.org/en/master/logs/conn.html. Times are seconds, to the microsecond as Zeek's are."""
    told: dict[str, object] = {
        "stream": finding.stream,
        "ts": seconds(finding.start_ns),
        "id.orig_h": finding.orig.address,
        "id.orig_p": finding.orig.port,
        "id.resp_h": finding.resp.address,
        "id.resp_p": finding.resp.port,
        "proto": "tcp",
        "duration": seconds(finding.duration_ns),
        "orig_bytes": finding.orig_bytes,
        "resp_bytes": finding.resp_bytes,
        "conn_state": finding.conn_state,
        "history": finding.history,
        "orig_pkts": finding.orig_packets,
        "resp_pkts": finding.resp_packets,
        "retransmissions": {"orig": finding.orig_retransmissions, "resp": finding.resp_retransmissions},
        "first_fin": finding.first_fin._asdict() if finding.first_fin else None,
        "half_closed": None if finding.half_closed_ns is None else seconds(finding.half_closed_ns),
        "rst": [mark._asdict() for mark in finding.resets],
        "ended_by": finding.ended_by,
        "severity": finding.severity.value,
        "acted_on": finding.acted_on,
        "retry": RETRY[finding.acted_on],
        "causes": [_cause(hypothesis) for hypothesis in finding.causes],
        "scenarios": [match.scenario for match in finding.scenarios],
    }
    if reports:
        told["clients"] = [client(report) for report in reports]
    if finding.evicted:
        told["evicted"] = True
    return told


def seconds(time_ns: int) -> float:
    """To the microsecond."""
    return round(time_ns / _SECOND, 6)


def _cause(hypothesis: Hypothesis) -> dict[str, object]:
    told: dict[str, object] = {
        "cause": hypothesis.cause,
        "confidence": hypothesis.confidence,
        "by": hypothesis.by,
        "evidence": [_evidence(evidence) for evidence in hypothesis.evidence],
    }
    if hypothesis.limits:
        told["limits"] = list(hypothesis.limits)
    return told


def _evidence(evidence: Evidence) -> dict[str, object]:
    told: dict[str, object] = {"says": evidence.says}
    if evidence.packets:
        told["packets"] = list(evidence.packets)
    if evidence.fields:
        told["fields"] = dict(evidence.fields)
    return told


def client(report: Report) -> dict[str, object]:
    """What one client reports for such an ending."""
    return {
        "client": report.client,
        "outcome": report.told,
        "scenarios": [_cell(cell) for cell in report.cells],
    }


def _cell(cell: JudgedCell) -> dict[str, object]:
    told: dict[str, object] = {"scenario": cell.scenario.id, "outcome": cell.short}
    if cell.verdict is not None:
        decisive = cell.cell.observations[0].operations[cell.verdict.decisive]
        told["faithful"] = cell.verdict.faithful
        told["error"] = [link.model_dump(mode="json", exclude_none=True) for link in decisive.error]
    return told
