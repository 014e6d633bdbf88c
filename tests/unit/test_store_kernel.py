"""The kernel's reasons as they are published: which of a trial's resets count, and how a file is kept up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from samples import evidence, scenario, trial

from hangup import paths
from hangup.catalogue import Wire, load_catalogue
from hangup.errors import StoreError
from hangup.kernel import MEANINGS
from hangup.reasons import ResetReason
from hangup.store.files import dump_json
from hangup.store.kernel import KernelRecorder, ScenarioReset, kernel_file, load_kernel, read_kernel, save_kernel
from hangup.store.model import SCHEMA

LINUX = "Linux 6.18"


def told(reason: str, by: Any = "peer", connection: int | None = 1) -> ResetReason:
    return ResetReason(by=by, connection=connection, state="TCP_CLOSE", reason=reason)


def learnt(claim: str | None, *resets: ResetReason, wire: tuple[str, ...] = ("peer",)) -> dict[str, ScenarioReset]:
    """From one trial in which ``wire`` sent RSTs and the kernel told of ``resets``."""
    claims = Wire.model_validate({"end": "RSTR", "rst": claim})
    recorder = KernelRecorder()
    recorder.add(trial(kernel=resets, evidence=(evidence(rst=wire),)), scenario().model_copy(update={"wire": claims}))
    return recorder.scenarios(LINUX)


STATE, NONE = told("TCP_STATE"), told("NO_SOCKET", "client")
COUNTED = {
    "the peer's": ("peer", [STATE], ("peer",), "TCP_STATE"),
    "only the first": ("peer", [STATE, told("TCP_FLAGS")], ("peer",), "TCP_STATE"),
    "the peer's, behind the client's": ("peer", [NONE, STATE], ("peer",), "TCP_STATE"),
    "the client's": ("client", [STATE, NONE], ("client",), "NO_SOCKET"),
    "a listener's": ("peer", [told("INVALID_SYN", connection=None)], ("peer",), "INVALID_SYN"),
    "if written to": ("peer if written to", [told("TCP_TIMEWAIT_SOCKET")], ("peer",), "TCP_TIMEWAIT_SOCKET"),
    "not of a further connection": ("peer", [told("NO_SOCKET", connection=2)], ("peer",), "none"),
    "not when all was over": ("peer if written to", [STATE], (), None),
    "not where none is claimed": (None, [STATE], ("peer",), None),
    "not where nobody's is claimed": ("nobody", [STATE], (), None),
    "a RST that no kernel sent": ("peer", [], ("peer",), "none"),
}  # fmt: skip


@pytest.mark.parametrize(("claim", "resets", "wire", "reason"), COUNTED.values(), ids=COUNTED)
def test_which_reset_counts(
    claim: str | None, resets: list[ResetReason], wire: tuple[str, ...], reason: str | None
) -> None:
    found = learnt(claim, *resets, wire=wire)
    assert [entry.reasons for entry in found.values()] == ([] if reason is None else [(reason,)])


def test_where_the_kernel_could_not_be_asked_nothing_is_learnt() -> None:
    recorder = KernelRecorder()
    rst = scenario("rst-before-response")
    recorder.add(trial(kernel=None, evidence=(evidence(rst=("peer",)),)), rst)
    assert recorder.scenarios(LINUX) == {}


LETTERS = {"S": "TCP_STATE", "N": "NO_SOCKET", "T": "TCP_TIMEWAIT_SOCKET", "D": "TCP_ABORT_ON_DATA"}


def reasons(**of_clients: str) -> tuple[str, ...]:
    """What is published of trials with these reasons, by their letters."""
    recorder = KernelRecorder()
    rst = scenario("rst-before-response")
    for client, letters in of_clients.items():
        for letter in letters:
            reset = told(LETTERS[letter])
            recorder.add(trial(client=client, kernel=(reset,), evidence=(evidence(rst=("peer",)),)), rst)
    (entry,) = recorder.scenarios(LINUX).values()
    return entry.reasons


@pytest.mark.parametrize(
    ("of_clients", "published"),
    [
        ({"a": "SS", "b": "NN"}, ("NO_SOCKET", "TCP_STATE")),
        ({"b": "NN", "a": "SS"}, ("NO_SOCKET", "TCP_STATE")),
        ({"a": "S" * 90, "b": "N"}, ("NO_SOCKET", "TCP_STATE")),
        ({"a": "SSSSSSSSSN"}, ("TCP_STATE",)),
        ({"a": "SSSS", "b": "SNSN"}, ("TCP_STATE",)),
        ({"a": "SNN", "b": "SNS", "c": "NSN"}, ("NO_SOCKET",)),
        ({"a": "SN"}, ("NO_SOCKET",)),
        ({"a": "TTT", "b": "DDD"}, ("TCP_TIMEWAIT_SOCKET",)),
        ({"a": "TTT", "b": "DTD"}, ("TCP_TIMEWAIT_SOCKET",)),
        ({"a": "DDT", "b": "DDD"}, ("TCP_TIMEWAIT_SOCKET",)),
        ({"a": "TSS", "b": "SSS"}, ("TCP_STATE",)),
        ({"a": "DDD", "b": "DDD"}, ("TCP_ABORT_ON_DATA",)),
        ({"a": "DDD", "b": "SSS"}, ("TCP_ABORT_ON_DATA", "TCP_STATE")),
    ],
    ids=["clients differ", "whatever came first", "one alone", "hardly ever", "one client by chance", "all by chance",
         "as often as not", "the FIN's ACK came with the data", "with or before", "hardly ever before",
         "another reason", "always with the data", "with the data, and another"],
)  # fmt: skip
def test_what_is_steady_for_some_client_is_the_scenarios(
    of_clients: dict[str, str], published: tuple[str, ...]
) -> None:
    assert reasons(**of_clients) == published


RESET = ScenarioReset(by="peer", reasons=("TCP_STATE",), system=LINUX)


def test_a_run_changes_only_what_it_learnt(tmp_path: Path) -> None:
    known = ["a", "b", "c"]
    save_kernel(tmp_path, "netns", {"b": RESET, "a": RESET}, known)
    newer = RESET.model_copy(update={"system": "Linux 7.0"})
    save_kernel(tmp_path, "netns", {"c": newer, "b": newer}, ["b", "c"])
    assert load_kernel(tmp_path)["netns"].scenarios == {"b": newer, "c": newer}
    before = kernel_file(tmp_path, "netns").read_bytes()
    save_kernel(tmp_path, "netns", {}, known)
    assert kernel_file(tmp_path, "netns").read_bytes() == before
    assert list(load_kernel(tmp_path)) == ["netns"]


def test_a_run_that_learnt_nothing_makes_no_file(tmp_path: Path) -> None:
    save_kernel(tmp_path, "netns", {}, ["a"])
    assert list(tmp_path.iterdir()) == []
    assert load_kernel(tmp_path) == {}


STRANGE = {
    "newer schema": ({"schema": SCHEMA + 1}, "upgrade hangup"),
    "older schema": ({"schema": SCHEMA - 1}, "measure anew"),
    "no closing record": ({"end": None}, "incomplete, its closing record is missing"),
    "fewer scenarios than it says": ({"end": {"scenarios": 2}}, "incomplete, 1 scenarios of 2"),
    "no reason": ({"scenarios": {"a": {"by": "peer", "reasons": [], "system": LINUX}}}, r"scenarios\.a\.reasons"),
    "unknown side": ({"scenarios": {"a": {"by": "router", "reasons": ["X"], "system": LINUX}}}, r"scenarios\.a\.by"),
}


@pytest.mark.parametrize(("changed", "complaint"), STRANGE.values(), ids=STRANGE)
def test_a_strange_file_is_refused(tmp_path: Path, changed: dict[str, Any], complaint: str) -> None:
    save_kernel(tmp_path, "netns", {"a": RESET}, ["a"])
    path = kernel_file(tmp_path, "netns")
    table = json.loads(path.read_text()) | changed
    path.write_text(json.dumps({key: value for key, value in table.items() if value is not None}))
    with pytest.raises(StoreError, match=complaint):
        read_kernel(path)


def test_what_is_published_is_as_the_tool_writes_it_and_of_known_scenarios_and_reasons() -> None:
    for platform, file in load_kernel(paths.published_results()).items():
        assert kernel_file(paths.published_results(), platform).read_text(encoding="utf-8") == dump_json(file)
        assert set(file.scenarios) <= set(load_catalogue())
        assert {reason for reset in file.scenarios.values() for reason in reset.reasons} <= set(MEANINGS)
