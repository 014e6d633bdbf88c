"""What is known by documentation: found, in a log line too, and never shown as measured."""

from __future__ import annotations

import pytest
from sayings import as_json, logged

from hangup.lookup import Index, lookup
from hangup.lookup.documented import Documented, read_documented

ENTRIES = [(entry, text) for entry in read_documented() for text in entry.says]


@pytest.mark.parametrize(("entry", "text"), ENTRIES, ids=[f"{entry.who}: {text[:50]}" for entry, text in ENTRIES])
def test_is_named_first_and_not_as_measured(entry: Documented, text: str, index: Index) -> None:
    for shape in (str, logged, as_json):
        answer = lookup(index, shape(text))[0]
        (ranked,) = (ranked for ranked in answer.clients if ranked.client == entry.who)
        assert ranked.score == answer.clients[0].score
        assert (ranked.measured, ranked.source) == (False, entry.source)
        assert answer.scenarios, "no scenario explains it"


@pytest.mark.parametrize(
    ("number", "ending"),
    [(10054, "rst"), (10060, "silence"), (10061, "refused"), (104, "rst"), (54, "rst"), (111, "refused")],
)
@pytest.mark.parametrize(
    "template",
    [
        "[WinError {}] Es konnte keine Verbindung hergestellt werden",
        "[Errno {}] Connexion interrompue par le correspondant",
        "System.Net.Sockets.SocketException, ErrorCode: {}",
        "connect(): errno={}",
        "失敗しました (os error {})",
    ],
)
def test_a_localised_text_is_known_by_its_number(template: str, number: int, ending: str, index: Index) -> None:
    answer = lookup(index, template.format(number))[0]
    assert answer.endings[0].ending == ending


def test_the_bare_numbers_of_windows_are_known(index: Index) -> None:
    assert {n: lookup(index, str(n))[0].clients[0].client for n in (10053, 10054, 10060, 10061)} == dict.fromkeys(
        (10053, 10054, 10060, 10061), "Windows"
    )
