"""Choosing by name or glob; where nothing matches, the nearest names are told."""

from __future__ import annotations

import pytest

from hangup.errors import InputError
from hangup.names import nearest, select, unknown

CLIENTS = ["go/net", "go/net-http", "java/socket", "node/net", "python/requests", "python/socket"]

CHOICES = {
    "all without a pattern": ([], CLIENTS),
    "one": (["python/socket"], ["python/socket"]),
    "a language": (["go/*"], ["go/net", "go/net-http"]),
    "across languages": (["*/socket"], ["java/socket", "python/socket"]),
    "several, in their own order": (["python/*", "go/net"], ["go/net", "python/requests", "python/socket"]),
    "overlapping": (["go/*", "*/net"], ["go/net", "go/net-http", "node/net"]),
    "a set of letters": (["[gj]*/[sn]*"], ["go/net", "go/net-http", "java/socket"]),
}


@pytest.mark.parametrize(("patterns", "chosen"), CHOICES.values(), ids=CHOICES)
def test_what_is_chosen(patterns: list[str], chosen: list[str]) -> None:
    assert select("client", patterns, CLIENTS) == chosen


NEAR = {
    "python/request": "python/requests",
    "pyhton/socket": "python/socket",
    "go/nethttp": "go/net-http",
    "Go/Net": "go/net",
}


@pytest.mark.parametrize(("typed", "meant"), NEAR.items(), ids=NEAR)
def test_the_nearest_name_is_suggested(typed: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"no client named '{typed}': did you mean .*{meant}"):
        select("client", [typed], CLIENTS)


def test_one_that_matches_nothing_is_told_though_another_matches() -> None:
    with pytest.raises(InputError, match=r"'rust/\*'"):
        select("client", ["go/*", "rust/*"], CLIENTS)


def test_at_most_three_are_suggested_best_first() -> None:
    found = nearest("go/net", CLIENTS)
    assert found[0] == "go/net"
    assert len(found) <= 3


def test_where_nothing_is_near_the_list_is_pointed_to() -> None:
    assert nearest("qqqq", CLIENTS) == []
    assert str(unknown("scenario", "qqqq", CLIENTS)) == (
        "no scenario named 'qqqq': `hangup list scenarios` shows all of them"
    )
