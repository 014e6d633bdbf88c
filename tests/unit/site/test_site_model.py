"""The matrix over its platforms, the texts in it, and the addresses by which both are cited."""

from __future__ import annotations

import re

import pytest
from sites import joined, published

from hangup.site import addresses as at
from hangup.site.texts import CAUGHT, CAUSE, error_texts

NETNS = next(r for r in published() if r.client == "python/requests" and r.platform == "netns")
DOCKER = NETNS.model_copy(update={"platform": "docker"})


def without_errors(scenario: str) -> object:
    """The same from docker, but in one scenario another observation."""
    cell = DOCKER.cells[scenario]
    changed = cell.model_copy(update={"observations": (cell.observations[0].model_copy(update={"share": "mostly"}),)})
    return DOCKER.model_copy(update={"cells": DOCKER.cells | {scenario: changed}})


def test_platforms_that_agree_are_one() -> None:
    entry = joined([NETNS, DOCKER]).entries["python/requests", "rst-mid-body"]
    assert [measured.platforms for measured in entry.measured] == [("docker", "netns")]


def test_platforms_that_differ_both_stand_the_leading_one_first() -> None:
    entry = joined([NETNS, without_errors("rst-mid-body")]).entries["python/requests", "rst-mid-body"]
    assert [measured.platforms for measured in entry.measured] == [("docker",), ("netns",)]
    assert entry.leading.platforms == ("docker",)


def test_a_scenario_of_one_platform_only_is_there() -> None:
    only = NETNS.model_copy(update={"cells": {"normal": NETNS.cells["normal"]}})
    rest = {name: cell for name, cell in DOCKER.cells.items() if name != "normal"}
    site = joined([only, DOCKER.model_copy(update={"cells": rest})])
    assert {name for _, name in site.entries} == set(NETNS.cells)


def test_every_text_of_every_chain_has_a_page_of_its_own() -> None:
    site = joined(published())
    found = {text.text: text for text in error_texts(site)}
    for entry in site.entries.values():
        for report in entry.leading.reports:
            for operation in report.observation.operations:
                for link in operation.error:
                    text = found[link.message.strip() or link.type]
                    assert entry.client in text.clients
                    assert entry.scenario.id in text.scenarios
                    assert link.type in text.types
    assert len({at.error(text) for text in found}) == len(found)


def test_the_place_in_the_chain_is_told() -> None:
    texts = {text.text: text for text in error_texts(joined([NETNS]))}
    assert {use.place for use in texts["[Errno 104] Connection reset by peer"].uses} == {CAUSE}
    aborted = "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))"
    assert CAUGHT in {use.place for use in texts[aborted].uses}


ADDRESSES = {
    "a cell": (at.cell("python/http.client", "rst-mid-body"), "cell/python/http.client/rst-mid-body.html"),
    "a badge": (at.badge("go/net", "refused"), "badge/go/net/refused.svg"),
    "a client": (at.client("go/net"), "client/go/net.html"),
    "a scenario": (at.scenario("refused"), "scenario/refused.html"),
    "a text": (at.error("socket hang up"), "error/socket-hang-up-2e5e4963.html"),
}


@pytest.mark.parametrize(("address", "expected"), ADDRESSES.values(), ids=ADDRESSES)
def test_addresses_do_not_change(address: str, expected: str) -> None:
    assert address == expected


@pytest.mark.parametrize("text", ["…", "../../etc/passwd", "a/b?c#d", "x" * 5000, "%00", "CON", " "])
def test_the_address_of_a_text_is_a_plain_file_name(text: str) -> None:
    assert re.fullmatch(r"error/[a-z0-9-]{8,60}\.html", at.error(text))


def test_texts_that_begin_alike_have_different_addresses() -> None:
    assert len({at.error("Connection reset by peer" * 9 + end) for end in ("", ".", "!")}) == 3
