"""Words: what a client's API gave, and what a verdict means, as sentences for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from hangup.judge import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hangup.store.model import Ending, Observation, Operation


class Link(Protocol):
    """One error of a chain."""

    @property
    def type(self) -> str:
        """Its name as the language's users write it."""

    @property
    def message(self) -> str:
        """Its text."""

    @property
    def errno(self) -> int | None:
        """Its number."""

    @property
    def code(self) -> str | None:
        """Its symbol."""


class Given(Protocol):
    """What an API gave, whether it was just said by an agent or is read from a results file."""

    @property
    def status(self) -> int | None:
        """The HTTP status."""

    @property
    def received(self) -> int | None:
        """Bytes that the application has."""

    @property
    def eof(self) -> bool | None:
        """The stream had ended."""

    @property
    def error(self) -> Sequence[Link] | None:
        """From what the application catches down to its cause."""


def given(result: Given) -> str:
    """One line: ``1084 bytes``, ``end of stream``, ``ConnectionResetError [Errno 104]``."""
    if result.error:
        return _failure(result.error)
    if result.eof:
        return f"end of stream after {size(result.received)}" if result.received else "end of stream"
    if result.status is not None:
        return f"HTTP {result.status}, {size(result.received or 0)}"
    return "done" if result.received is None else size(result.received)


def gave(operation: Operation) -> str:
    """The same of a stored operation, and where in the exchange it was told, if that is not the operation itself."""
    if operation.hang:
        return "nothing, to the harness's deadline"
    return given(operation) + (f", told by {operation.phase}" if operation.phase not in (None, operation.op) else "")


def stored_evidence(observation: Observation) -> list[str]:
    """What a results file keeps of the evidence: nothing in it may change from run to run."""
    if observation.state is None:
        return ["none: this lab could not capture"]
    shown = [f"Zeek's state of the first connection: {observation.state}"]
    for number, connection in enumerate(observation.connections, 1):
        requests = [r.method if r.complete else f"{r.method} (not whole)" for r in connection.requests]
        shown.append(
            f"connection {number}: {_ENDINGS[connection.ending]}; the peer had sent "
            f"{size(connection.sent)}, and had read {', '.join(requests) or 'no request'}"
        )
    return shown


_ENDINGS: dict[Ending, str] = {
    "fin": "the peer ended it with FIN",
    "rst": "the peer, or somebody in its name, ended it with RST",
    "fin, rst": "the peer ended it with FIN, then RST",
    "refused": "the SYN was answered with RST or ICMP port unreachable",
    "unreachable": "ICMP said that the peer cannot be reached",
    "aborted": "the client's own kernel aborted it",
    "silence": "the peer fell silent",
    "none": "nobody but the client ended it",
}


def size(count: int | None) -> str:
    """``1 byte``, ``41 bytes``."""
    return "1 byte" if count == 1 else f"{count or 0} bytes"


def _failure(chain: Sequence[Link]) -> str:
    """The caught type without its module, and the number or symbol of the deepest error that has one."""
    name, message, cause = chain[0].type.rpartition(".")[2], chain[0].message, root(chain)
    if cause.errno is not None:
        return f"{name} [Errno {cause.errno}]"
    if cause.code:
        return f"{name} {cause.code}"
    first_line = message.partition("\n")[0]
    text = first_line if len(first_line) <= _TEXT else first_line[: _TEXT - 1] + "…"
    return f"{name}: {text}" if text else name


_TEXT = 48


def root(chain: Sequence[Link]) -> Link:
    """The deepest error that has a number or a symbol; the deepest of all where none has."""
    return next((link for link in reversed(chain) if link.errno is not None or link.code), chain[-1])


TOLD: dict[Outcome, str] = {
    Outcome.SUCCESS: "that all went well, with a complete answer",
    Outcome.RESET: "that the connection was reset",
    Outcome.BROKEN_PIPE: "that the pipe is broken (EPIPE): nobody takes what it writes",
    Outcome.EOF: "that the stream has ended",
    Outcome.TRUNCATED: "that the message is incomplete",
    Outcome.REFUSED: "that the connection was refused",
    Outcome.UNREACHABLE: "that the peer cannot be reached",
    Outcome.ABORTED: "that the connection was aborted on its own side",
    Outcome.TIMEOUT: "that time has run out",
    Outcome.TLS: "that TLS failed",
    Outcome.PROTOCOL: "that the peer broke the protocol",
    Outcome.SILENT_TRUNCATION: "that all went well, though bytes of the answer are missing",
    Outcome.HANG: "nothing: the call was still waiting at the harness's deadline",
    Outcome.UNMAPPED: "something that no rule knows",
}


class Sentence(NamedTuple):
    """One aspect of a verdict, in a word or two and in full."""

    word: str
    text: str


def verdict_sentences(verdict: Verdict) -> tuple[Sentence, ...]:
    """The verdict: outcome, faithful, retried, processed, lost.

    What does not apply is left out, and so is what only packets can tell, where there are none.
    """
    told = Sentence(verdict.outcome, f"the application is told {TOLD[verdict.outcome]}")
    if verdict.faithful is None:
        return told, faithful(verdict)
    sentences = (told, faithful(verdict), retried(verdict), processed(verdict), lost(verdict))
    return tuple(sentence for sentence in sentences if sentence.word)


def faithful(verdict: Verdict) -> Sentence:
    """Does it agree with the wire?"""
    if verdict.faithful is None:
        return Sentence("unproved", "there is no capture to compare it with")
    if verdict.faithful:
        return Sentence("faithful", "that agrees with what happened on the wire")
    return Sentence("misleading", "that is not what happened on the wire")


def retried(verdict: Verdict) -> Sentence:
    """What the client did by itself."""
    again = [f"{count} more {method}" for method, count in verdict.extra_requests.items()]
    connections = verdict.extra_connections
    if not again and not connections:
        return Sentence("not retried", "the client tried nothing again by itself")
    parts = [f"opened {_plural(connections, 'more connection')}"] * bool(connections)
    parts += [f"sent the peer {' and '.join(again)}"] * bool(again)
    return Sentence("retried", f"the client {' and '.join(parts)} than it was asked for")


def processed(verdict: Verdict) -> Sentence:
    """Is a retry safe?"""
    if verdict.processed is None:
        return Sentence("", "")
    if verdict.processed == 0:
        return Sentence("not processed", "the peer never read the last request whole: a retry is safe")
    if verdict.processed == 1:
        return Sentence("processed", "the peer read the last request whole: a retry may do it a second time")
    word = f"processed {verdict.processed} times"
    return Sentence(word, "the peer read the last request whole more than once")


def lost(verdict: Verdict) -> Sentence:
    """Bytes that were on the wire and that the application never got."""
    if verdict.lost is None:
        return Sentence("", "")
    if verdict.lost == 0:
        return Sentence("nothing lost", "the application has all that the peer sent")
    return Sentence(f"{size(verdict.lost)} lost", "the peer sent them, and the application never got them")


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
