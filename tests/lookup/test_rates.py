"""Every measured text is recognised, in whatever shape it stands in a log."""

from __future__ import annotations

import pytest
from sayings import KINDS, SHAPES, missed, sayings

from hangup.lookup import Index, lookup
from hangup.store import ClientResults


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_names_the_client_first_and_the_scenario_within_three(
    kind: str, shape: str, results: list[ClientResults], index: Index
) -> None:
    said = sayings(results, kind)
    assert len(said) > 50, "the results have fewer texts than the test was written for"
    wrong = {text: missed(who, lookup(index, SHAPES[shape](text))[0]) for text, who in said.items()}
    assert {text: missing for text, missing in wrong.items() if missing} == {}


def test_a_tie_is_of_clients_that_say_the_same(results: list[ClientResults], index: Index) -> None:
    """Nobody is named first beside the client whose text it is but who says these very words too."""
    everything = [sayings(results, kind) for kind in ("messages", "links", "printed")]
    for text in {text for said in everything for text in said}:
        answer = lookup(index, text)[0]
        first = {
            ranked.client for ranked in answer.clients if ranked.score == answer.clients[0].score and ranked.measured
        }
        assert first == {client for said in everything if text in said for client in said[text].clients}, text
