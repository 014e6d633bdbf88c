"""What a trial's packets tell while it is played: the client's ports, its requests, what has been acknowledged."""

from __future__ import annotations

import pytest
from ladder_samples import CLIENT_PORT, HANDSHAKE, PORT, REQUEST, REQUEST_BYTES, segment

from hangup.conduct.observer import Tracker


def tracker(*texts: str, second: tuple[str, ...] = ()) -> Tracker:
    """One that was fed with these packets, and with those of a second connection."""
    made = Tracker(PORT, lambda: None)
    for text in texts:
        made.feed(segment(text))
    for text in second:
        made.feed(segment(text, client_port=CLIENT_PORT + 1))
    return made


def test_the_clients_ports_are_known_of_every_connection() -> None:
    assert tracker().client_ports() == ()
    assert tracker(*HANDSHAKE, second=HANDSHAKE).client_ports() == (CLIENT_PORT, CLIENT_PORT + 1)


@pytest.mark.parametrize(
    ("texts", "sent"),
    [
        pytest.param(HANDSHAKE, 0, id="none"),
        pytest.param(REQUEST, 1, id="one"),
        pytest.param((*REQUEST, "5 > PA 1 1 41", "9 > PA 1 1 41"), 1, id="retransmitted"),
        pytest.param((*REQUEST, "5 > PA 42 1 41"), 2, id="two"),
        pytest.param((*REQUEST, "5 > PA 42 1 20"), 1, id="bytes-that-are-none"),
    ],
)
def test_requests_are_counted_when_they_are_whole(texts: tuple[str, ...], sent: int) -> None:
    assert tracker(*texts, second=REQUEST).requests_sent() == sent


def test_a_retransmission_may_bring_more() -> None:
    """Linux joins what it sends again with what it could not send before."""
    made = tracker(*REQUEST)
    made.feed(segment("200 > PA 1 1 82")._replace(payload=REQUEST_BYTES * 2))
    assert made.requests_sent() == 2


def test_a_request_is_acknowledged_when_all_of_it_is() -> None:
    assert not tracker(*HANDSHAKE).request_acknowledged()
    assert not tracker(*REQUEST[:4]).request_acknowledged()
    assert tracker(*REQUEST).request_acknowledged()
    assert not tracker(*REQUEST, "5 > PA 42 1 41").request_acknowledged()
