"""The scenarios in words: scripts, claims, and the page that tells of each what clients made of it."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner
from samples import scenario

from hangup import paths
from hangup.catalogue import Repeat, Scenario, Step, load_catalogue, words
from hangup.cli import show
from hangup.errors import HangupError
from hangup.store import ClientResults, KernelResets, ScenarioReset, load_results
from hangup.store.kernel import End
from hangup.store.model import SCHEMA
from hangup.tables import scenarios_page
from hangup.tables.scenarios import reports, reset_sentence

CATALOGUE = load_catalogue()
PUBLISHED = list(load_results(paths.published_results()).values())


def test_a_script_is_a_phrase_an_actor() -> None:
    assert words.sequence(scenario("rst-mid-body")) == [
        "client: begin exchange",
        "peer: accept, recv request, send head (length 1024), send body (512 bytes)",
        "wait: data read",
        "peer: reset",
        "client: finish",
    ]


def test_a_repetition_stands_in_brackets() -> None:
    assert words.sequence(scenario("client-closes-after-messages"))[2] == (
        "2 × (client: send (64 bytes); peer: recv (64 bytes), send body (64 bytes); client: recv (64 bytes))"
    )


def test_what_further_connections_meet_is_told_where_the_file_tells_it() -> None:
    assert words.further(scenario("reuse-after-rst-get-again")) == "recv request, reset"
    assert words.further(scenario()) is None


def test_claims_are_named_as_in_the_file() -> None:
    assert words.claims(scenario("read-after-fin")) == [
        "end RSTR or SF", "first FIN peer", "RST peer if written to",
    ]  # fmt: skip


def _flat(step: Step | Repeat) -> list[Step]:
    return [step] if isinstance(step, Step) else list(step.steps)


@pytest.mark.parametrize("each", CATALOGUE.values(), ids=CATALOGUE)
def test_no_step_of_any_script_is_left_out(each: Scenario) -> None:
    acts = [step.act for part in each.steps for step in _flat(part)]
    told = re.sub(r"\b(?:\d+ × \(|(?:client|peer|wait|network): )", "", " → ".join(words.sequence(each)))
    place = 0
    for act in acts:
        place = told.index(act, place) + len(act)


RST = ScenarioReset(by="peer", reasons=("TCP_ABORT_ON_CLOSE",), system="Linux 6.18")
KERNEL = {
    "netns": KernelResets(
        schema=SCHEMA, about="", platform="netns", scenarios={"rst-unread-request": RST}, end=End(scenarios=1)
    )
}


def test_every_measured_scenario_has_an_entry_and_a_link_to_it() -> None:
    page = scenarios_page(PUBLISHED, CATALOGUE, KERNEL)
    measured = {name for results in PUBLISHED for name in results.cells if name in CATALOGUE}
    assert set(re.findall(r"^### (.*)$", page, re.MULTILINE)) == measured
    assert set(re.findall(r"\]\(#(.*?)\)", page)) == measured
    assert page.startswith("<!-- Made by")


def test_a_rst_that_no_kernel_sent_is_told_of_as_such() -> None:
    forged = RST.model_copy(update={"reasons": ("none",)})
    assert reset_sentence(forged) == (
        "Linux 6.18 on the peer's RST: no TCP stack of this machine sent it: a firewall did, or it was forged"
    )


def test_what_a_family_teaches_is_said_once() -> None:
    page = scenarios_page(PUBLISHED, CATALOGUE, {})
    assert page.count(scenario("reuse-after-fin-get-again").teaches) == 1
    assert page.count("What to know: as of [reuse-after-fin-get-again](#reuse-after-fin-get-again).") == 3


def entry(page: str, name: str) -> str:
    return page.partition(f"\n### {name}\n")[2].partition("\n##")[0]


def test_an_entry_says_all_there_is_to_say() -> None:
    told = entry(scenarios_page(PUBLISHED, CATALOGUE, KERNEL), "rst-unread-request")
    for text in (
        "- Script: client: begin exchange → peer: accept, await request, close → client: finish",
        "- On the wire: end RSTR, first FIN nobody, RST peer, request acknowledged, peer sent 0 (RFC 2525",
        "- Kernel: Linux 6.18 on the peer's RST: TCP_ABORT_ON_CLOSE, the socket was closed with",
        "- Reported (docker, netns",
        scenario("rst-unread-request").teaches,
    ):
        assert text in told


def test_where_the_kernel_was_not_asked_nothing_is_said_of_it() -> None:
    assert "- Kernel:" not in scenarios_page(PUBLISHED, CATALOGUE, {})


def results(platform: str, client: str, outcome: str) -> ClientResults:
    """A client that met ``normal`` with a success, or not at all."""
    answer = {"op": "exchange", "received": 1084, "eof": False}
    cell = {"fault": outcome} if outcome != "success" else {
        "observations": [{"share": "always", "operations": [answer],
                          "connections": [{"state": "SF", "history": "ShdFf", "peer_fin": True, "sent": 1084}]}]
    }  # fmt: skip
    return ClientResults.model_validate(
        {"schema": SCHEMA, "about": "", "client": client, "layer": "stream", "platform": platform, "proved": True,
         "trials": 1, "stack": {"runtime": "r", "versions": {}, "system": "s"}, "cells": {"normal": cell},
         "end": {"cells": 1}}
    )  # fmt: skip


def test_outcomes_stand_with_their_clients_the_commonest_first() -> None:
    many = [results("netns", f"x/{n}", "success" if n else "broke") for n in range(3)]
    (report,) = reports(many, CATALOGUE)["normal"]
    assert report.outcomes == (("success", ("x/1", "x/2")), ("agent failed", ("x/0",)))
    assert "- Reported (netns): **success** x/1, x/2; **agent failed** x/0" in scenarios_page(many, CATALOGUE, {})


def test_platforms_that_agree_are_told_of_once() -> None:
    alike = [results(platform, f"x/{n}", "success") for platform in ("docker", "netns") for n in range(2)]
    assert "- Reported (docker, netns): **success** all 2 clients" in scenarios_page(alike, CATALOGUE, {})
    other = [*alike[:3], results("netns", "x/1", "broke")]
    assert [report.platforms for report in reports(other, CATALOGUE)["normal"]] == [("docker",), ("netns",)]


# The same on the terminal.


def shown(*arguments: str) -> str:
    done = CliRunner().invoke(show.command, [*arguments], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_a_scenario_alone_is_shown() -> None:
    text = " ".join(shown("rst-unread-request").split())
    for part in ("• peer: accept, await request, close", "Reported (docker, netns", "read to the end of the request"):
        assert part in text


def test_programs_get_a_scenario_too() -> None:
    told = json.loads(shown("fin-mid-body", "--json"))
    assert "java/httpurlconnection" in told["reported"]["netns"]["silent-truncation !"]
    assert (told["group"], told["wire"]["peer_sent"]) == ("body", 512)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["rst-unread-requets"], "did you mean rst-unread-request"),
        (["normal", "--platform", "mars"], "there are results of .*netns only"),
    ],
)
def test_what_is_not_there_is_said(arguments: list[str], complaint: str) -> None:
    with pytest.raises(HangupError, match=complaint):
        shown(*arguments)
