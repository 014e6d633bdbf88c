"""What is looked at when a trial has been played: whether the agent's word can be true, and the trial was not too late.

Pure. What the capture must show of the scenario is checked elsewhere (``hangup.evidence``).
"""

from __future__ import annotations

from collections.abc import Sequence

from hangup.catalogue import Scenario
from hangup.conduct.peer import LoggedConnection
from hangup.conduct.trial import Operation

LATE_SECONDS = 1.0
"""How late an agent's pulse may be in a trial whose result depends on time.

Time that passes decides in what order timers run out, and those that may meet are some seconds apart: the clients' own
limits (4 s to 30 s), the kernel's (``hangup.labs.topology``) and the deadline of a scenario. The nearest in proportion
are a connect limit of 10 s that is counted in ticks of half a second, each of which may be this late (30 s then), and
the kernel's patience of 39 s.
"""


def contradicted(operations: Sequence[Operation], log: Sequence[LoggedConnection], captured: int | None) -> str | None:
    """Why what the agent reports cannot be true; None where it can.

    ``captured``: payload bytes from the peer, None where nothing was captured. Nothing is compressed here, so no client
    can have more bytes than were sent to it; under TLS the peer's log is the stricter of the two.
    """
    replies = [operation.reply for operation in operations if operation.reply is not None]
    received = sum(reply.received or 0 for reply in replies)
    sent = sum(connection.sent for connection in log)
    if captured is not None:
        sent = min(sent, captured)
    if received > sent:
        return f"{received:,} bytes received, where {sent:,} were sent"
    if not sent and (status := next((reply.status for reply in replies if (reply.status or 0) > 0), None)):
        return f"the status {status}, where no byte was sent"
    return None


def too_late(scenario: Scenario, operations: Sequence[Operation], seconds: float, *, valid: bool) -> str | None:
    """Why a trial is void in which the agent's pulse was so late; None where that does not matter to it.

    It does where time decides the result, and where the trial is not ``valid``: what went wrong then may be just this.
    """
    timed = scenario.timed or any(operation.reply is None for operation in operations)
    if seconds <= LATE_SECONDS or (valid and not timed):
        return None
    return f"the machine was too busy: a turn of the agent was more than {LATE_SECONDS:.0f} s late"
