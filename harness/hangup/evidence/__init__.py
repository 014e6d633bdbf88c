"""Evidence: what the packets of one connection prove, in words that do not depend on ports or times.

``describe`` makes it, for the harness and for ``hangup diagnose``. ``verify`` compares it with what a scenario claims;
``without_clean_up`` leaves out what a client does when all is over; ``sent_requests`` counts what left the client.
"""

from hangup.evidence.clean_up import without_clean_up
from hangup.evidence.connection import ConnectionEvidence, Request, Who, describe
from hangup.evidence.requests import Asked, SentRequest, sent_requests
from hangup.evidence.trial import SeenConnection, connection_evidence, seen_connections
from hangup.evidence.verify import unwrapped, verify

__all__ = [
    "Asked",
    "ConnectionEvidence",
    "Request",
    "SeenConnection",
    "SentRequest",
    "Who",
    "connection_evidence",
    "describe",
    "seen_connections",
    "sent_requests",
    "unwrapped",
    "verify",
    "without_clean_up",
]
