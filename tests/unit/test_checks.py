"""Whether an agent's word can be true, and whether the machine was too busy for a trial."""

from __future__ import annotations

import pytest

from hangup.agents.protocol import Reply
from hangup.catalogue import load_catalogue
from hangup.conduct.checks import IDLE_LATE_SECONDS, LATE_SECONDS, contradicted, too_late
from hangup.conduct.peer import LoggedConnection
from hangup.conduct.trial import Operation

LATE, IDLE = LATE_SECONDS + 0.1, IDLE_LATE_SECONDS + 0.1


def operation(**said: object) -> Operation:
    reply = Reply.model_validate({"type": "reply", "id": 1, "result": "observed", **said})
    return Operation("exchange", reply, 0, 0)


def connection(sent: int) -> LoggedConnection:
    return LoggedConnection(remote=1, read=0, sent=sent, requests=(), events=())


HANG = Operation("exchange", None, 0, 0)


@pytest.mark.parametrize(
    ("said", "sent", "captured", "told"),
    [
        ({"received": 100}, [100], 100, None),
        ({"received": 100}, [60, 40], 100, None),
        ({"received": 100}, [100], None, None),
        ({"received": 101}, [100], 100, "101 bytes received, where 100 were sent"),
        ({"received": 101}, [60, 40], None, "101 bytes received, where 100 were sent"),
        ({"received": 101}, [200], 100, "101 bytes received, where 100 were sent"),
        # TLS puts more on the wire than was said
        ({"received": 1_024}, [512], 2_000, "1,024 bytes received, where 512 were sent"),
        ({"status": 200}, [100], 100, None),
        ({"status": 200}, [0], 0, "the status 200, where no byte was sent"),
        ({"status": 200}, [], 0, "the status 200, where no byte was sent"),
        ({"status": -1}, [0], 0, None),
        ({}, [], None, None),
    ],
)
def test_an_agents_word(said: dict[str, object], sent: list[int], captured: int | None, told: str | None) -> None:
    assert contradicted([HANG, operation(**said)], [connection(size) for size in sent], captured) == told


def test_the_bytes_of_all_operations_count() -> None:
    assert contradicted([operation(received=60)] * 2, [connection(120)], None) is None
    assert contradicted([operation(received=60)] * 2, [connection(119)], None) is not None


@pytest.mark.parametrize(
    ("scenario", "operations", "pulse", "idle", "valid", "late"),
    [
        ("normal", [operation()], LATE, 0.0, True, False),  # nothing in it depends on time
        ("normal", [operation()], LATE, 0.0, False, True),  # what went wrong may be just this
        ("normal", [HANG], LATE, 0.0, True, True),
        ("normal", [HANG], LATE_SECONDS, 0.0, True, False),
        ("connect-timeout", [operation()], LATE, 0.0, True, True),
        ("reuse-after-fin-get-once", [operation()], LATE, 0.0, True, True),
        ("reuse-after-fin-get-once", [operation()], 0.0, IDLE, True, True),
        ("reuse-after-fin-get-once", [operation()], 0.0, IDLE_LATE_SECONDS, True, False),
        ("tls-alert-then-rst", [operation()], LATE, 0.0, True, True),  # a pause of the peer
        ("fin-mid-upload", [operation()], LATE, 0.0, True, True),  # at_most_ms
    ],
)
def test_a_trial_is_late(
    scenario: str, operations: list[Operation], pulse: float, idle: float, *, valid: bool, late: bool
) -> None:
    told = too_late(load_catalogue()[scenario], operations, pulse, idle, valid=valid)
    assert (told is not None) == late
