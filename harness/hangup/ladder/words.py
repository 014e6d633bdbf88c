"""Words: what a client's API gave, and what a verdict means, as sentences for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from hangup.judge import ActedOn, Outcome, Verdict, endings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hangup.catalogue import Scenario
    from hangup.judge import Ending
    from hangup.store.model import Observation, Operation, Request


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


def stored_evidence(scenario: Scenario, observation: Observation) -> list[str]:
    """What a results file keeps of the evidence: nothing in it may change from run to run."""
    if not observation.proved:
        return ["none: this lab could not capture"]
    ended = endings(scenario, observation)
    return [
        f"connection {number}: {_ENDINGS[ending]} (Zeek's state {connection.state}, history {connection.history}); "
        f"the peer had sent {size(connection.sent)}; of the client: "
        f"{', '.join(map(_request, connection.requests)) or 'no request'}"
        for number, (connection, ending) in enumerate(zip(observation.connections, ended, strict=True), 1)
    ]


def _request(request: Request) -> str:
    """One request: how much of it left the client, what the peer's program read of it, and what it made of it."""
    read = {"whole": "read", "partly": "read in part", "none": "not read"}[request.read]
    words = [request.method, *["sent in part"] * (request.sent == "partly"), read]
    words += ["behind the answer"] * request.drained
    words += [f"answered {request.answered}"] * (request.answered is not None) + ["refused"] * request.refused
    return " ".join(words[:1]) + f" ({', '.join(words[1:])})"


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
    Outcome.WRONG_ANSWER: "that all went well, with an answer that is not the right one",
    Outcome.UNSPECIFIC: "an error that names no ending",
    Outcome.HANG: "nothing: the call was still waiting at the harness's deadline",
    Outcome.UNMAPPED: "something that no rule knows",
}


class Sentence(NamedTuple):
    """One aspect of a verdict, in a word or two and in full."""

    word: str
    text: str


def verdict_sentences(verdict: Verdict) -> tuple[Sentence, ...]:
    """The verdict: outcome, faithful, retried, acted on, lost.

    What does not apply is left out, and so is what only packets can tell, where there are none.
    """
    told = Sentence(verdict.outcome, f"the application is told {TOLD[verdict.outcome]}")
    if unproved(verdict):
        return told, faithful(verdict)
    sentences = (told, faithful(verdict), retried(verdict), acted_on(verdict), lost(verdict))
    return tuple(sentence for sentence in sentences if sentence.word)


def unproved(verdict: Verdict) -> bool:
    """Whether there is no capture."""
    return verdict.faithful is None and verdict.outcome not in (Outcome.UNSPECIFIC, Outcome.UNMAPPED)


def faithful(verdict: Verdict) -> Sentence:
    """Does it agree with the wire?"""
    if verdict.outcome is Outcome.UNSPECIFIC:
        return Sentence("unspecific", "it neither agrees with what happened on the wire nor contradicts it")
    if verdict.outcome is Outcome.UNMAPPED:
        return Sentence("", "")
    if verdict.faithful is None:
        return Sentence("unproved", "there is no capture to compare it with")
    if verdict.faithful:
        return Sentence("faithful", "that agrees with what happened on the wire")
    return Sentence("misleading", "that is not what happened on the wire")


def retried(verdict: Verdict) -> Sentence:
    """What the client did by itself."""
    if not verdict.retried:
        return Sentence("no retry seen", "no second attempt of the client's own was on the wire")
    sent = " and ".join(f"{method} {_times(count)}" for method, count in (verdict.sent or {}).items() if count > 1)
    if sent:
        return Sentence(f"retried ×{verdict.tries}", f"the client by itself sent {sent}")
    return Sentence(f"retried ×{verdict.tries}", f"the client by itself tried {_times(verdict.tries)}")


def acted_on(verdict: Verdict) -> Sentence:
    """Is a retry safe?"""
    if verdict.acted_on is None:
        return Sentence("", "")
    return ACTED_ON[verdict.acted_on]


ACTED_ON: dict[ActedOn, Sentence] = {
    ActedOn.YES: Sentence(
        "acted on",
        "the peer had the whole request and went on, or answered it with success: a retry may do it a second time",
    ),
    ActedOn.MAYBE: Sentence("maybe acted on", "nothing shows that it was not: repeat only what is idempotent"),
    ActedOn.NO: Sentence("not acted on", "nothing of it left, or the peer said that it did nothing: a retry is safe"),
}


def lost(verdict: Verdict) -> Sentence:
    """Bytes that were on the wire and that the application never got."""
    if verdict.lost is None:
        return Sentence("", "")
    if verdict.lost == 0:
        return Sentence("nothing lost", "the application has all of the last answer's content that could be read")
    return Sentence(f"{size(verdict.lost)} lost", "the peer sent them, and the application never got them")


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count} times"
