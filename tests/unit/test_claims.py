"""The README's sentences about results are true of the published ones: each bullet has its rule in ``claims.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from hangup import paths
from hangup.catalogue import load_catalogue
from hangup.judge import Verdict
from hangup.lookup.documented import read_documented
from hangup.matrix import JudgedCell, judged
from hangup.store import load_results
from hangup.store.model import Observation

ROOT = Path(__file__).parents[2]
CLAIMS: list[dict[str, Any]] = tomllib.loads((ROOT / "tests" / "claims.toml").read_text(encoding="utf-8"))["claim"]
PUBLISHED = load_results(paths.published_results())
CELLS = [(platform, cell) for (platform, _), r in PUBLISHED.items() for cell in judged(r, load_catalogue())]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BULLETS = re.findall(r"^- (\*\*.*?)(?=^- |^## |\Z)", README, re.MULTILINE | re.DOTALL)
KNOWN = {
    "clients",
    "scenarios",
    "outcome",
    "faithful",
    "sent",
    "lost",
    "acted_on",
    "status",
    "first",
    "forged",
    "others",
}


def heading(bullet: str) -> str:
    found = re.match(r"\*\*(.*?)\*\*", bullet, re.DOTALL)
    assert found is not None
    return re.sub(r"\s+", " ", found[1]).strip(" .:")


def fits(name: str, globs: list[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def kept(claim: dict[str, Any], observation: Observation, verdict: Verdict) -> Iterator[str]:
    """What the cell does not keep of a claim."""
    operation = observation.operations[verdict.decisive]
    facts = {
        "faithful": verdict.faithful, "sent": verdict.sent, "lost": verdict.lost, "acted_on": verdict.acted_on,
        "status": operation.status, "first": observation.connections[0].state if observation.connections else None,
        "forged": any(connection.forged for connection in observation.connections),
    }  # fmt: skip
    if "outcome" in claim and verdict.outcome not in claim["outcome"]:
        yield f"outcome is {verdict.outcome}"
    yield from (f"{name} is {facts[name]}" for name in facts if name in claim and facts[name] != claim[name])


def test_every_bullet_has_a_rule_and_every_rule_a_bullet() -> None:
    assert [heading(bullet) for bullet in BULLETS] == [claim["heading"] for claim in CLAIMS]


def test_a_bullet_names_no_client_that_its_rule_leaves_out() -> None:
    clients = {client for _, client in PUBLISHED}
    for bullet, claim in zip(BULLETS, CLAIMS, strict=True):
        globs = [glob for cells in claim["cells"] for glob in cells["clients"]]
        for word in re.findall(r"`([^`\s]+)`", bullet):
            meant = [client for client in clients if word in (client, client.partition("/")[2])]
            assert not meant or any(fits(client, globs) for client in meant), f"{claim['heading']}: {word}"


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["heading"])
def test_a_rule_holds_in_all_that_is_published(claim: dict[str, Any]) -> None:
    for cells in claim["cells"]:
        assert cells.keys() <= KNOWN
        measured: set[str] = set()
        for platform, cell in CELLS:
            if fits(cell.scenario.id, cells["scenarios"]):
                measured |= check(cells, platform, cell)
        assert [glob for glob in cells["scenarios"] if not any(fnmatchcase(name, glob) for name in measured)] == []


def check(claim: dict[str, Any], platform: str, cell: JudgedCell) -> set[str]:
    """The scenario, where the cell is one of those that the claim is about."""
    mine = fits(cell.client, claim["clients"])
    for observation, verdict in zip(cell.cell.observations, cell.verdicts, strict=True):
        place = f"{platform} {cell.client} {cell.scenario.id}"
        if mine:
            assert list(kept(claim, observation, verdict)) == [], place
        elif claim.get("others"):
            assert verdict.outcome not in claim["outcome"], f"{place}: the claim is silent about it"
    return {cell.scenario.id} if mine else set()


def test_the_numbers_of_the_readme_are_those_of_the_data() -> None:
    clients, scenarios = {client for _, client in PUBLISHED}, load_catalogue()
    assert f"{len(clients)} clients in {len(scenarios)} scenarios" in README
    (errors,) = re.findall(r"`lookup` also knows some (\d+) errors", README)
    assert abs(len(read_documented()) - int(errors)) < 15
