"""What the kernel says of its RSTs, line by line, and which of it belongs to a trial."""

from __future__ import annotations

from pathlib import Path

import pytest
from ladder_samples import PORT, segment
from samples import evidence

from hangup.kernel import KernelReset, KernelUnreadable, Lost, ResetTrace
from hangup.kernel.resets import resets, tells_reason
from hangup.reasons import ResetReason, reset_reasons, unsent

NEW = 'print fmt: "skbaddr=%p skaddr=%p src=%pISpc dest=%pISpc state=%s reason=%s", REC->skbaddr, REC->skaddr'
FORMATS = {
    "Linux 6.18": (NEW, True),
    "Linux 6.9, without a reason": (NEW.replace(" reason=%s", ""), False),
    "Linux 5.10, one field a port": (
        'print fmt: "skbaddr=%p skaddr=%p family=%s sport=%hu dport=%hu saddr=%pI4 daddr=%pI4 state=%s"', False,
    ),
    "a field of that name that is not printed": ("field:int reason;\n\nprint fmt: \"src=%d dest=%d state=%d\"", False),
    "nothing": ("", False),
}  # fmt: skip


@pytest.mark.parametrize(("event_format", "tells"), FORMATS.values(), ids=FORMATS)
def test_a_kernel_that_does_not_tell_the_reason_is_known_by_its_format(event_format: str, tells: bool) -> None:
    assert tells_reason(event_format) is tells


HEAD = "    python3-42   [001] ..s2.   123.456789: tcp_send_reset: skbaddr=00000000d1a2b3c4 skaddr=00000000d1a2b3c5"
LINES = {
    "IPv4": (
        f"{HEAD} src=192.0.2.2:80 dest=192.0.2.1:40000 state=TCP_CLOSE reason=TCP_STATE",
        KernelReset(80, 40000, "TCP_CLOSE", "TCP_STATE"),
    ),
    "IPv6": (
        f"{HEAD} src=[2001:db8::2]:80 dest=[::1]:40000 state=TCP_TIME_WAIT reason=TCP_TIMEWAIT_SOCKET",
        KernelReset(80, 40000, "TCP_TIME_WAIT", "TCP_TIMEWAIT_SOCKET"),
    ),
    "no socket": (
        f"{HEAD} src=127.0.0.1:80 dest=127.0.0.1:40000 state=UNKNOWN reason=NO_SOCKET",
        KernelReset(80, 40000, "UNKNOWN", "NO_SOCKET"),
    ),
    "a listener's own addresses": (
        f"{HEAD} src=0.0.0.0:80 dest=0.0.0.0:0 state=TCP_LISTEN reason=INVALID_SYN",
        KernelReset(80, 0, "TCP_LISTEN", "INVALID_SYN"),
    ),
    "a program whose name is an event's": (
        HEAD.replace("python3", ": tcp_send_reset:") + " src=1.1.1.1:1 dest=2.2.2.2:2 state=TCP_CLOSE reason=ERROR",
        KernelReset(1, 2, "TCP_CLOSE", "ERROR"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("line", "reset"), LINES.values(), ids=LINES)
def test_a_line(line: str, reset: KernelReset) -> None:
    assert list(resets([line])) == [reset]


@pytest.mark.parametrize(
    "line", ["", "# tracer: nop", HEAD, f"{HEAD} src=192.0.2.2:80 dest=192.0.2.1:40000 state=TCP_CLOSE"]
)
def test_what_is_no_reset_is_passed_over(line: str) -> None:
    assert list(resets([line])) == []


def test_lost_events_are_told() -> None:
    with pytest.raises(Lost):
        list(resets(["CPU:0 [LOST 17160 EVENTS]", *(line for line, _reset in LINES.values())]))


# Which of it is the trial's.

CLIENT = 40000
SEGMENTS = [
    segment("0 > S 0"),
    segment("1 > S 0", client_port=CLIENT + 1),
    segment("2 < R 0", client_port=CLIENT + 1),
    segment("3 < RA 1 1"),
    segment("4 > R 1"),
]


def reasons(*told: KernelReset) -> list[tuple[str, int | None, str]]:
    return [(r.by, r.connection, r.reason) for r in reset_reasons(told, PORT, SEGMENTS)]


def test_whose_rst_it_was_is_told_by_the_port_that_it_came_from() -> None:
    assert reasons(
        KernelReset(PORT, CLIENT + 1, "TCP_CLOSE", "TCP_STATE"), KernelReset(CLIENT, PORT, "UNKNOWN", "NO_SOCKET")
    ) == [("peer", 2, "TCP_STATE"), ("client", 1, "NO_SOCKET")]


def test_a_listener_s_rst_is_the_peer_s_on_whatever_connection() -> None:
    (found,) = reset_reasons([KernelReset(PORT, 0, "TCP_LISTEN", "INVALID_SYN")], PORT, SEGMENTS)
    assert found == ResetReason(by="peer", connection=None, state="TCP_LISTEN", reason="INVALID_SYN")


@pytest.mark.parametrize("ports", [(PORT, CLIENT + 2), (CLIENT + 1, PORT), (CLIENT + 1, 0)])
def test_what_no_packet_of_the_trial_bears_out_belongs_to_another_run(ports: tuple[int, int]) -> None:
    assert reasons(KernelReset(*ports, "TCP_CLOSE", "TCP_STATE")) == []


def test_a_rst_that_no_kernel_sent_is_a_finding() -> None:
    connections = [evidence(rst=("peer",)), evidence(rst=("client", "peer")), evidence()]
    told = ResetReason(by="peer", connection=1, state="TCP_CLOSE", reason="TCP_STATE")
    assert unsent([told], connections) == [("client", 2), ("peer", 2)]
    listener = ResetReason(by="peer", connection=None, state="TCP_LISTEN", reason="INVALID_SYN")
    assert unsent([listener], connections) == [("client", 2)]


# Where it cannot be asked.


@pytest.mark.parametrize(
    ("event_format", "why"),
    [(None, "no tracefs there|only be read by root"), (FORMATS["Linux 6.9, without a reason"][0], "6.10 and newer do")],
)
def test_where_the_kernel_cannot_be_asked_it_is_said_why(tmp_path: Path, event_format: str | None, why: str) -> None:
    if event_format is not None:
        event = tmp_path / "events" / "tcp" / "tcp_send_reset"
        event.mkdir(parents=True)
        (event / "format").write_text(event_format)
    with pytest.raises(KernelUnreadable, match=why):
        ResetTrace([tmp_path])
    assert not (tmp_path / "instances").exists()
