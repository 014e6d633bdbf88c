"""The peer's steps find their packets, told beforehand (a log) or one by one (a trial that goes on)."""

from __future__ import annotations

import pytest
from ladder_samples import HANDSHAKE, INTERRUPTED, REQUEST, packets

from hangup.catalogue import Step
from hangup.ladder import Act, act_of, logged_acts
from hangup.ladder.acts import EFFECTS, Placer
from hangup_server.steps import STEPS

POST = b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n"


def placed(acts: list[Act], *texts: str) -> tuple[dict[str, list[str]], list[str]]:
    """What stands beside which packet, and what beside none."""
    placer = Placer()
    for act in acts:
        assert placer.tell(act) == []
    fed = [(text, placer.feed(packet)) for text, packet in zip(texts, packets(*texts), strict=True)]
    return {text: [act.text for act in done] for text, done in fed if done}, [act.text for act in placer.settle()]


def test_every_step_of_the_peer_has_an_effect() -> None:
    assert set(EFFECTS) == set(STEPS)


@pytest.mark.parametrize(
    ("events", "texts", "beside", "left"),
    [
        pytest.param(
            ("accept", "recv request 41", "send 1065", "interrupt"), INTERRUPTED,
            {HANDSHAKE[2]: ["accept"], REQUEST[3]: ["recv request 41"], INTERRUPTED[5]: ["send 1065"],
             INTERRUPTED[7]: ["interrupt"]}, [],
            id="a RST that a kernel answers with is no step's",
        ),
        pytest.param(
            ("accept", "await request 41", "close"), (*REQUEST, "1 < RA 1 42"),
            {HANDSHAKE[2]: ["accept"], REQUEST[3]: ["await request 41"], "1 < RA 1 42": ["close"]}, [],
            id="a close that aborts",
        ),
        pytest.param(
            ("accept", "recv request 41", "hold all", "shutdown", "reset"), (*REQUEST, "1 < FA 1 42", "2 < RA 2 42"),
            {HANDSHAKE[2]: ["accept"], REQUEST[3]: ["recv request 41", "hold all"], "1 < FA 1 42": ["shutdown"],
             "2 < RA 2 42": ["reset"]}, [],
            id="two endings, in their order",
        ),
        pytest.param(
            ("accept", "shutdown", "close"), (*HANDSHAKE, "1 < FA 1 1"),
            {HANDSHAKE[2]: ["accept"], "1 < FA 1 1": ["shutdown"]}, ["close"],
            id="a close that sends nothing more",
        ),
        pytest.param(
            ("accept", "recv 64", "recv 64"), (*HANDSHAKE, "1 > PA 1 1 100", "2 > PA 101 1 28"),
            {HANDSHAKE[2]: ["accept"], "1 > PA 1 1 100": ["recv 64"], "2 > PA 101 1 28": ["recv 64"]}, [],
            id="bytes that come in other pieces",
        ),
        pytest.param(
            ("accept", "recv 64"), (*HANDSHAKE, "1 > PA 1 1 40", "2 > PA 1 1 40"),
            {HANDSHAKE[2]: ["accept"]}, ["recv 64"],
            id="a retransmission brings no bytes",
        ),
        pytest.param(
            ("accept", "send 3000", "send 100"),
            (*HANDSHAKE, "1 < A 1 1 1448", "1 < A 1449 1 1448", "1 < PA 2897 1 104", "2 < PA 3001 1 100"),
            {HANDSHAKE[2]: ["accept"], "1 < A 1 1 1448": ["send 3000"], "2 < PA 3001 1 100": ["send 100"]}, [],
            id="one send in several segments",
        ),
        pytest.param(
            ("accept", "recv end 0", "close"), (*HANDSHAKE, "1 > FA 1 1", "2 < FA 1 2"),
            {HANDSHAKE[2]: ["accept"], "1 > FA 1 1": ["recv end 0"], "2 < FA 1 2": ["close"]}, [],
            id="the client's end",
        ),
        pytest.param(
            ("accept", "recv request failed: ECONNRESET (Connection reset by peer)"), (*HANDSHAKE, "1 > RA 1 1"),
            {HANDSHAKE[2]: ["accept", "recv request failed: ECONNRESET (Connection reset by peer)"]}, [],
            id="a step that failed",
        ),
    ],
)  # fmt: skip
def test_a_log_is_placed_beside_its_packets(
    events: tuple[str, ...], texts: tuple[str, ...], beside: dict[str, list[str]], left: list[str]
) -> None:
    assert placed(logged_acts(events), *texts) == (beside, left)


def test_a_request_has_come_when_all_of_it_has() -> None:
    """Its size is not known beforehand where a step is told; the bytes tell it."""
    placer = Placer()
    placer.tell(act_of(Step(actor="peer", act="recv request")))
    *_, head, body = packets(*HANDSHAKE, f"1 > PA 1 1 {len(POST)}", f"2 > PA {1 + len(POST)} 1 4")
    assert placer.feed(head._replace(payload=POST)) == []
    assert [act.text for act in placer.feed(body._replace(payload=b"abcd"))] == ["recv request"]


def test_what_has_come_already_is_done_when_it_is_told() -> None:
    placer = Placer()
    for packet in packets(*HANDSHAKE, "1 > PA 1 1 64"):
        placer.feed(packet)
    assert placer.tell(Act("accept", "accept")) == [Act("accept", "accept")]
    assert placer.tell(Act("recv 64", "recv", 64)) == [Act("recv 64", "recv", 64)]
    assert placer.tell(Act("recv 64", "recv", 64)) == []


def test_one_act_waits_for_the_one_before_it() -> None:
    placer = Placer()
    assert placer.tell(Act("accept", "accept")) == []
    assert placer.tell(Act("hold data", "hold data")) == []
    *_, last = [placer.feed(packet) for packet in packets(*HANDSHAKE)]
    assert [act.text for act in last] == ["accept", "hold data"]


@pytest.mark.parametrize(
    ("params", "act"),
    [
        ({"act": "recv", "params": {"bytes": 64}}, Act("recv 64", "recv", 64)),
        ({"act": "send body", "params": {"bytes": 512}}, Act("send body 512", "send body", 512)),
        ({"act": "send", "params": {"text": "abc"}}, Act("send 3", "send", 3)),
        ({"act": "accept", "params": {"process": True}}, Act("accept by a child", "accept")),
        ({"act": "shutdown", "params": {"side": "read"}}, Act("shutdown read")),
        ({"act": "close"}, Act("close", "close")),
    ],
)
def test_a_step_in_words(params: dict[str, object], act: Act) -> None:
    assert act_of(Step.model_validate({"actor": "peer", **params})) == act


def record(kind: int, size: int) -> bytes:
    """A TLS record of so many bytes, its header included."""
    return bytes([kind, 3, 3]) + (size - 5).to_bytes(2, "big") + bytes(size - 5)


def test_tls_hides_how_much_is_said_but_not_when() -> None:
    hello, finished, request = record(22, 200), record(20, 6) + record(23, 58), record(23, 90)
    texts = (
        *HANDSHAKE, "1 > PA 1 1 150", "2 > PA 151 1 50", "3 < PA 1 201 900", "4 > PA 201 901 64", "5 > PA 265 901 90",
        "6 < PA 901 355 1090", "7 < FA 1991 355",
    )  # fmt: skip
    said = [b"", b"", b"", hello[:150], hello[150:], b"", finished, request, b"", b""]
    placer = Placer()
    for act in logged_acts(["recv hello", "handshake", "recv request 41", "send 41", "send 1000", "close"]):
        placer.tell(act)
    beside = {
        text: [act.text for act in placer.feed(packet._replace(payload=payload))]
        for text, packet, payload in zip(texts, packets(*texts), said, strict=True)
    }
    assert {text: acts for text, acts in beside.items() if acts} == {
        texts[4]: ["recv hello"], texts[6]: ["handshake"], texts[7]: ["recv request 41"],
        texts[8]: ["send 41", "send 1000"], texts[9]: ["close"],
    }  # fmt: skip
