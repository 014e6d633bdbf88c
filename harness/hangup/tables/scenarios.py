"""SCENARIOS.md: each scenario on its own, with what clients made of it. ``hangup show SCENARIO`` says the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from hangup.catalogue import Scenario, words
from hangup.catalogue.model import Group
from hangup.kernel import MEANINGS, NONE
from hangup.matrix import judged
from hangup.store import ClientResults, KernelResets, ScenarioReset
from hangup.tables.pages import GENERATED

INTRODUCTION = """\
# The scenarios

What happens and when in production, the script, what the packets must show, why the kernel sent the RST (where the
run could ask it: `tcp:tcp_send_reset`), what each client reported, and what to do about it. The words for outcomes,
`!` and `×n` are those of [MATRIX.md](MATRIX.md).
"""

HEADINGS: Mapping[Group, str] = {
    "controls": "Controls",
    "connecting": "Connecting",
    "accept": "Right after accept",
    "before the response": "After the request, before the response",
    "head": "In the head of the response",
    "body": "In the body of the response",
    "upload": "While the client sends",
    "stream calls": "Writing and reading again (stream clients)",
    "reuse": "A connection used again",
    "network": "The network, the host and other hands",
    "tls": "TLS",
    "http2": "HTTP/2",
    "containers": "Containers and orchestration",
}


@dataclass(frozen=True)
class Report:
    """What the clients of some platforms made of a scenario: alike on all of these."""

    platforms: tuple[str, ...]
    clients: int
    outcomes: tuple[tuple[str, tuple[str, ...]], ...]
    """Each outcome (as the matrix has it) with its clients, the commonest first."""


def reports(results: Sequence[ClientResults], catalogue: Mapping[str, Scenario]) -> dict[str, list[Report]]:
    """By scenario."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    for r in results:
        for cell in judged(r, catalogue):
            by_outcome = found.setdefault(cell.scenario.id, {}).setdefault(r.platform, {})
            by_outcome.setdefault(cell.short, []).append(r.client)
    return {name: _reports(platforms) for name, platforms in found.items()}


def _reports(platforms: Mapping[str, Mapping[str, Sequence[str]]]) -> list[Report]:
    alike: dict[tuple[tuple[str, tuple[str, ...]], ...], list[str]] = {}
    for platform, by_outcome in platforms.items():
        ordered = sorted(by_outcome.items(), key=lambda item: (-len(item[1]), item[0]))
        alike.setdefault(tuple((short, tuple(clients)) for short, clients in ordered), []).append(platform)
    return [
        Report(tuple(names), sum(len(clients) for _, clients in outcomes), outcomes)
        for outcomes, names in alike.items()
    ]


def reset_sentence(reset: ScenarioReset) -> str:
    """Why the RST was sent: ``Linux 6.18 on the peer's RST: TCP_STATE, the socket was …``."""
    return f"{reset.system} on the {reset.by}'s RST: {reset_reasons(reset)}"


def reset_reasons(reset: ScenarioReset) -> str:
    """The same without whose they are: ``TCP_STATE, the socket was …``."""
    return "; or ".join(map(_reason, reset.reasons))


def _reason(reason: str) -> str:
    if reason == NONE:
        return MEANINGS[NONE]
    return f"{reason}, {MEANINGS[reason]}" if reason in MEANINGS else reason


def scenarios_page(
    results: Sequence[ClientResults], catalogue: Mapping[str, Scenario], kernel: Mapping[str, KernelResets],
    note: str = "",
) -> str:  # fmt: skip
    """SCENARIOS.md: a contents list by chapter, then each scenario that was measured."""
    made = reports(results, catalogue)
    chapters = {
        heading: [s for name, s in catalogue.items() if s.group == group and name in made]
        for group, heading in HEADINGS.items()
    }
    parts = [GENERATED, INTRODUCTION, *([note] if note else [])]
    parts += [
        f"- **{heading}**: {', '.join(f'[{s.id}](#{s.id})' for s in members)}"
        for heading, members in chapters.items()
        if members
    ]
    taught: dict[str, str] = {}
    for heading, members in chapters.items():
        if members:
            parts.append(f"\n## {heading}")
        for scenario in members:
            parts += _entry(scenario, made[scenario.id], kernel)
            parts += _lesson(scenario, taught)
    return "\n".join(parts) + "\n"


def _entry(scenario: Scenario, made: Sequence[Report], kernel: Mapping[str, KernelResets]) -> Iterator[str]:
    yield f"\n### {scenario.id}\n"
    yield f"**{scenario.title}.** {scenario.why}\n"
    yield f"- Script: {' → '.join(words.sequence(scenario))}"
    if again := words.further(scenario):
        yield f"- On each further connection the peer plays: {again}"
    yield f"- On the wire: {', '.join(words.claims(scenario))} ({'; '.join(scenario.spec)})"
    for reset, platforms in _resets(scenario, kernel).items():
        yield f"- Kernel: {reset_sentence(reset)} ({', '.join(platforms)})"
    for report in made:
        yield f"- Reported ({', '.join(report.platforms)}): {'; '.join(_outcomes(report))}"


def _lesson(scenario: Scenario, taught: dict[str, str]) -> Iterator[str]:
    """What it teaches; a family's members teach the same, which is said once. ``taught``: by whom it was said."""
    first = taught.setdefault(scenario.teaches, scenario.id)
    yield f"\n{scenario.teaches}" if first == scenario.id else f"\nWhat to know: as of [{first}](#{first})."


def _resets(scenario: Scenario, kernel: Mapping[str, KernelResets]) -> dict[ScenarioReset, list[str]]:
    found: dict[ScenarioReset, list[str]] = {}
    for platform, file in kernel.items():
        if scenario.id in file.scenarios:
            found.setdefault(file.scenarios[scenario.id], []).append(platform)
    return found


def _outcomes(report: Report) -> Iterator[str]:
    for short, clients in report.outcomes:
        everybody = len(clients) == report.clients > 1
        yield f"**{short}** " + (f"all {report.clients} clients" if everybody else ", ".join(clients))


assert set(HEADINGS) == set(get_args(Group))
