"""How ``show`` and ``play`` put things to people: a verdict, what an API gave, a ladder. Knows no results folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from hangup.kernel import MEANINGS, NONE
from hangup.ladder.render import columns, head, line
from hangup.ladder.words import gave, size, stored_evidence, verdict_sentences
from hangup.reasons import unsent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from hangup.catalogue import Scenario
    from hangup.evidence import ConnectionEvidence
    from hangup.judge import Verdict
    from hangup.ladder import Ladder
    from hangup.reasons import ResetReason
    from hangup.store.model import Link, Observation

KERNEL = "The kernel's reason for each RST"
LESSON = "What to know and to do"


def verdict_table(verdict: Verdict) -> RenderableType:
    """One aspect a line, its word first."""
    return pairs((sentence.word, sentence.text) for sentence in verdict_sentences(verdict))


def pairs(rows: Iterable[tuple[str, str]]) -> RenderableType:
    """A name and what it stands for, a line each."""
    grid = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column()
    for name, text in rows:
        grid.add_row(Text(name), Text(text))
    return grid


def operations(observation: Observation) -> list[RenderableType]:
    """Each operation and what its API gave; an error as a tree, from what is caught down to its cause."""
    shown: list[RenderableType] = []
    for operation in observation.operations:
        shown.append(Text(f"{operation.op} → {gave(operation)}"))
        if operation.error:
            shown.append(_tree(operation.error))
    return shown


def _tree(chain: Sequence[Link]) -> Tree:
    tree = branch = Tree(_link(chain[0]), guide_style="dim")
    for link in chain[1:]:
        branch = branch.add(_link(link))
    return tree


def _link(link: Link) -> Text:
    marks = [f"errno {link.errno}"] * (link.errno is not None) + [link.code or ""] * bool(link.code)
    text = Text(link.type, style="bold")
    text.append(f" ({', '.join(marks)})" if marks else "", style="not bold")
    return text.append(f": {link.message}" if link.message else "", style="not bold")


def printed(observation: Observation, verdict: Verdict) -> Text | None:
    """What the language prints for the decisive error, if there is one and nobody catches it."""
    text = observation.operations[verdict.decisive].printed
    return Text(text.rstrip("\n")) if text else None


def evidence_lines(evidence: Sequence[ConnectionEvidence]) -> list[RenderableType]:
    """What the capture proves, connection by connection."""
    return [
        Text(f"connection {number}: " * (len(evidence) > 1) + _evidence(connection))
        for number, connection in enumerate(evidence, 1)
    ]


def _evidence(connection: ConnectionEvidence) -> str:
    resets = " and ".join(f"the {who}" for who in connection.rst) or "nobody"
    fin = "nobody" if connection.first_fin == "nobody" else f"the {connection.first_fin}"
    return (
        f"Zeek's state {connection.state}, history {connection.history}; first FIN by {fin}, RST by {resets}; "
        f"{size(connection.client_bytes)} from the client ({connection.request}), "
        f"{size(connection.peer_bytes)} from the peer"
        + "; a RST in the peer's name came from another host" * connection.forged
        + (f"; ICMP {' and '.join(connection.icmp)}" if connection.icmp else "")
    )


def kernel_lines(reasons: Sequence[ResetReason] | None, evidence: Sequence[ConnectionEvidence]) -> list[RenderableType]:
    """Why each RST was sent, by the kernel that sent it; nothing where it could not be asked."""
    if reasons is None:
        return []
    several = len(evidence) > 1
    by_kernel = [
        Text(
            f"connection {told.connection}: "
            * (several and told.connection is not None)
            + f"the {told.by}'s RST: {told.reason}, {MEANINGS.get(told.reason, 'which has no words here')} "
            f"(the socket's state: {told.state})"
        )
        for told in reasons
    ]
    by_none = [
        Text(f"connection {number}: " * several + f"the {by}'s RST: {MEANINGS[NONE]}")
        for by, number in unsent(reasons, evidence)
    ]
    return [*by_kernel, *by_none]


def stored_evidence_lines(scenario: Scenario, observation: Observation) -> list[RenderableType]:
    """What a results file keeps of the evidence."""
    return [Text(line) for line in stored_evidence(scenario, observation)]


def ladder_lines(client: str, drawn: Ladder, width: int) -> list[RenderableType]:
    """The whole ladder of a trial that is over."""
    widths = columns(width)
    return [head(client, widths), *(line(row, drawn.start_ns, widths) for row in drawn.rows)]


def sentences(texts: Iterable[str]) -> RenderableType:
    """One a line, marked."""
    grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    for text in texts:
        grid.add_row(Text("•"), Text(text))
    return grid
