"""Made-up trials and results for the tests of what is done with them."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hangup.agents.protocol import Reply
from hangup.catalogue import Scenario, load_catalogue
from hangup.conduct.peer import LoggedConnection, LoggedRequest
from hangup.conduct.trial import Operation, Trial
from hangup.evidence import ConnectionEvidence


def scenario(name: str = "normal") -> Scenario:
    """One of the catalogue."""
    return load_catalogue()[name]


def evidence(**changed: Any) -> ConnectionEvidence:
    """What ``normal`` looks like on the wire, and what is changed of it."""
    plain = {
        "state": "SF", "history": "ShADadFf", "first_fin": "peer", "peer_fin": True, "rst": (), "rst_after_fin": False,
        "client_bytes": 40, "peer_bytes": scenario().announced, "request": "acknowledged",
        "written_after_fin": False, "closed": True,
    }  # fmt: skip
    return ConnectionEvidence(**{**plain, **changed})


def trial(**changed: Any) -> Trial:
    """A valid trial of ``normal``, and what is changed of it."""
    reply = Reply(type="reply", id=1, result="observed", phase="recv", received=1084, eof=False, ms=3)
    plain = {
        "client": "python/socket", "scenario": "normal", "name": "n", "port": 40000,
        "host": "192.0.2.2", "client_host": "192.0.2.1",
        "operations": (Operation("exchange", reply, 0, 1),), "evidence": (evidence(),),
        "log": (LoggedConnection(50000, 40, 1084, (LoggedRequest("GET", 40, True),), ()),),
        "started_ns": 0, "ended_ns": 1, "over_ns": 1,
    }  # fmt: skip
    return Trial(**{**plain, **changed})


@contextmanager
def no_file_larger_than(limit: int) -> Iterator[None]:
    """As on a full disk: a write beyond the limit fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
