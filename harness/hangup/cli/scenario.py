"""What ``hangup show SCENARIO`` says: one ending, and what every client made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from hangup.catalogue import words
from hangup.cli.console import section
from hangup.cli.report import KERNEL, LESSON, pairs, sentences
from hangup.tables.scenarios import reports, reset_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from hangup.catalogue import Scenario
    from hangup.store import ClientResults, KernelResets


def print_scenario(
    console: Console, scenario: Scenario, results: Sequence[ClientResults], kernel: Mapping[str, KernelResets]
) -> None:
    """For people."""
    console.print(Text(f"{scenario.id}: {scenario.title}", style="bold"))
    console.print(Text(f"{scenario.why}\n{'; '.join(scenario.spec)}"))
    console.print(section("Script", sentences(words.sequence(scenario))))
    if again := words.further(scenario):
        console.print(section("Peer, on each further connection", Text(again)))
    console.print(section("Wire", Text(", ".join(words.claims(scenario)))))
    resets = _resets(scenario, kernel)
    if resets:
        console.print(section(KERNEL, *(Text(f"{platform}: {text}") for platform, text in resets.items())))
    for report in reports(results, {scenario.id: scenario}).get(scenario.id, []):
        outcomes = pairs((short, ", ".join(clients)) for short, clients in report.outcomes)
        console.print(section(f"Reported ({', '.join(report.platforms)})", outcomes))
    console.print(section(LESSON, Text(scenario.teaches)))


def scenario_as_json(
    scenario: Scenario, results: Sequence[ClientResults], kernel: Mapping[str, KernelResets]
) -> dict[str, object]:
    """For programs."""
    return {
        "scenario": scenario.id,
        "title": scenario.title,
        "group": scenario.group,
        "why": scenario.why,
        "teaches": scenario.teaches,
        "spec": list(scenario.spec),
        "layers": list(scenario.layers),
        "needs": list(scenario.needs),
        "script": words.sequence(scenario),
        "further": words.further(scenario),
        "wire": scenario.wire.model_dump(mode="json", exclude_none=True),
        "kernel": {
            platform: file.scenarios[scenario.id].model_dump(mode="json")
            for platform, file in kernel.items()
            if scenario.id in file.scenarios
        },
        "reported": {
            platform: {short: list(clients) for short, clients in report.outcomes}
            for report in reports(results, {scenario.id: scenario}).get(scenario.id, [])
            for platform in report.platforms
        },
    }


def _resets(scenario: Scenario, kernel: Mapping[str, KernelResets]) -> dict[str, str]:
    return {
        platform: reset_sentence(file.scenarios[scenario.id])
        for platform, file in kernel.items()
        if scenario.id in file.scenarios
    }
