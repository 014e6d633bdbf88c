"""Every scenario that comes with hangup says what it means, and every bad one is refused with the place named."""

from __future__ import annotations

import dataclasses
import itertools
import re
from pathlib import Path

import pytest

from hangup.catalogue import Scenario, load_catalogue, load_file
from hangup.catalogue.load import FOLDER
from hangup.errors import InputError
from hangup_server import http
from hangup_server import script as peer_script
from hangup_server.steps.sending import SendBody, SendChunk, SendHead, SendStep

CATALOGUE = load_catalogue()
FILES = sorted(FOLDER.glob("*.toml"))

GOOD = """
title = "A title that is long enough"
group = "controls"
why = "It happens now and then."
teaches = "What everybody should know of it, and what to do about it."
spec = ["RFC 9293 section 3.6"]
cause = "orderly-close"
layers = ["stream"]
steps = [
  { client = "begin exchange" },
  { peer = "accept" },
  { client = "finish" },
]
[wire]
end = "SF"
"""


def write(folder: Path, text: str, name: str = "made-up.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def peer_sends(scenario: Scenario) -> list[SendStep]:
    """What the peer itself understands of its part."""
    steps = [{"step": s.act, **s.params} for s in scenario.flat if s.actor == "peer"]
    return [step for step in peer_script.parse(steps) if isinstance(step, SendStep)]


def test_the_good_script_of_these_tests_is_good(tmp_path: Path) -> None:
    (scenario,) = load_file(write(tmp_path, GOOD))
    assert (scenario.id, scenario.wire.end) == ("made-up", ("SF",))


def test_the_control_comes_first_and_the_rest_by_name() -> None:
    first, *rest = CATALOGUE
    assert first == "normal"
    assert rest == sorted(rest)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_files_name_is_its_scenarios_id(path: Path) -> None:
    for scenario in load_file(path):
        name = re.sub("^tls1[23]-", "tls-", scenario.id)
        assert name == path.stem or name.startswith(f"{path.stem}-")
        assert CATALOGUE[scenario.id] == scenario


@pytest.mark.parametrize("scenario", CATALOGUE.values(), ids=CATALOGUE)
def test_sizes_are_those_of_the_peers_own_bytes(scenario: Scenario) -> None:
    sends = peer_sends(scenario)
    heads = [step for step in sends if isinstance(step, SendHead)]
    final = next((head for head in heads if head.status >= 200), None)
    if final is not None:
        whole = len(dataclasses.replace(final, bytes=None, offset=0).payload())
        assert scenario.response_head == whole
        assert scenario.announced == whole + (scenario.whole if final.length is None else final.length)
    else:
        assert scenario.announced == len(http.response_head(length=1024)) + 1024


@pytest.mark.parametrize("scenario", CATALOGUE.values(), ids=CATALOGUE)
def test_a_claim_of_bytes_is_what_the_script_sends(scenario: Scenario) -> None:
    seen = tuple(itertools.takewhile(lambda step: (step.actor, step.act) != ("network", "drop"), scenario.flat))
    sends = peer_sends(scenario.model_copy(update={"steps": seen}))
    body = sum(step.bytes for step in sends if isinstance(step, SendBody | SendChunk))
    assert scenario.wire.peer_sent in (None, body)
    assert scenario.framing == sum(len(step.payload()) for step in peer_sends(scenario)) - sum(
        step.bytes for step in peer_sends(scenario) if isinstance(step, SendBody | SendChunk)
    )


@pytest.mark.parametrize("scenario", CATALOGUE.values(), ids=CATALOGUE)
def test_the_peer_can_play_what_it_is_told_for_further_connections(scenario: Scenario) -> None:
    steps = peer_script.parse([{"step": s.act, **s.params} for s in scenario.further_steps])
    peer_script.script(steps)  # raises ScriptError where these cannot follow an accept


def test_a_family_has_a_scenario_for_each_combination() -> None:
    family = {name for name in CATALOGUE if name.startswith("reuse-after-fin-")}
    assert family == {f"reuse-after-fin-{m}-{n}" for m in ("get", "post") for n in ("again", "once")}
    post = CATALOGUE["reuse-after-fin-post-once"]
    assert post.flat[-1].params == {"method": "POST"}
    assert "{" not in post.title
    assert [s.act for s in post.further_steps] == ["recv request", "send head", "send body"]
    assert [s.act for s in CATALOGUE["reuse-after-fin-get-again"].further_steps] == ["recv request", "close"]


def test_a_family_by_version_of_tls_is_named_for_each() -> None:
    old, new = CATALOGUE["tls12-fin-mid-body"], CATALOGUE["tls13-fin-mid-body"]
    assert [s.params["version"] for scenario in (old, new) for s in scenario.flat if s.act == "handshake"] == [
        "1.2",
        "1.3",
    ]
    assert old.features == new.features == {"tls"}
    assert "{" not in old.title
    assert "tls-fin-mid-body" not in CATALOGUE


def test_a_scenario_that_speaks_no_tls_needs_none() -> None:
    assert [name for name, scenario in CATALOGUE.items() if "tls" in scenario.features] == [
        name for name in CATALOGUE if name.startswith(("tls", "h2-"))
    ]


def test_a_further_connection_meets_the_same_steps_after_its_accept() -> None:
    assert [s.act for s in CATALOGUE["rst-on-accept"].further_steps] == ["await held data", "reset"]


def test_what_is_held_after_the_accept_is_held_on_a_further_connection_too() -> None:
    assert [s.act for s in CATALOGUE["fin-mid-upload"].further_steps][:2] == ["recv head", "hold data"]


def test_nobody_is_there_for_a_further_connection_where_the_peer_stops_listening() -> None:
    assert CATALOGUE["refused"].further_steps == ()
    assert CATALOGUE["server-killed-idle"].further_steps == ()


def test_a_repetition_is_written_out() -> None:
    session = CATALOGUE["client-closes-after-messages"]
    assert sum(s.act == "send" for s in session.flat) == 2


BAD = {
    "not TOML": ('end = "SF"', "end = ", r"not valid TOML: .*line 15"),
    "unknown key": ('title = "', 'tilte = "a"\ntitle = "', r"tilte: Extra inputs"),
    "its own id": ('title = "', 'id = "made-up"\ntitle = "', r"remove the key 'id'"),
    "missing key": ("spec = [", "# spec = [", r"spec: Field required"),
    "no layers": ('layers = ["stream"]', "layers = []", r"layers: Tuple should have at least 1"),
    "unknown layer": ('layers = ["stream"]', 'layers = ["quic"]', r"layers\[0\]"),
    "unknown need": ("[wire]", 'needs = ["sudo"]\n[wire]', r"needs\[0\]"),
    "deadline of nothing": ("[wire]", "deadline = 0\n[wire]", r"deadline: Input should be greater than 0"),
    "two actors": (
        '{ peer = "accept" }', '{ peer = "accept", client = "close" }', r"steps\[1\]: a step names exactly one actor",
    ),
    "no actor": ('{ peer = "accept" }', '{ proxy = "accept" }', r"steps\[1\]: a step names exactly one actor"),
    "unknown peer step": ('peer = "accept"', 'peer = "acept"', r"steps\[1\]: .*no step 'acept'"),
    "unknown client step": ('client = "finish"', 'client = "finnish"', r"steps\[2\].*no step 'finnish'"),
    "unknown wait": ('{ peer = "accept" }', '{ wait = "rst" }', r"steps\[1\]: .*wait has no step 'rst'"),
    "unknown peer parameter": ('peer = "accept"', 'peer = "accept", tls = true', r"steps\[1\]: .*no parameter 'tls'"),
    "unknown client parameter": (
        'client = "begin exchange"', 'client = "begin exchange", verb = "GET"', r"steps\[0\]: .*takes no 'verb'",
    ),
    "parameter of a wrong type": (
        'peer = "accept"', 'peer = "recv", bytes = "many"', r"steps\[1\]: .*bytes must be int",
    ),
    "client parameter of a wrong type": (
        'client = "begin exchange"', 'client = "begin exchange", method = 1',
        r"steps\[0\]: .*'method' .* must be a str",
    ),
    "missing parameter": ('peer = "accept"', 'peer = "recv"', r"steps\[1\]: .*bytes is missing"),
    "parameter that is no scalar": (
        'peer = "accept"', 'peer = "accept", process = [1]', r"steps\[1\]\.params\.process",
    ),
    "never finished": ('{ client = "finish" },', '{ peer = "close" },', r"never finishes"),
    "never begun": ('{ client = "begin exchange" },', '{ client = "connect" },', r"without a 'begin exchange'"),
    "begun twice": ('{ peer = "accept" }', '{ client = "begin exchange" }', r"while an exchange has begun"),
    "stream op for http": (
        'layers = ["stream"]\nsteps = [', 'layers = ["http"]\nsteps = [\n  { client = "connect" },',
        r"http clients have no \['connect'\]",
    ),
    "network without need": ('{ peer = "accept" }', '{ network = "blackhole" }', r"needs = \['net'\]"),
    "translation without need": ('{ peer = "accept" }', '{ network = "forget" }', r"needs = \['translation'\]"),
    "firewall without need": ('{ peer = "accept" }', '{ network = "drop" }', r"needs = \['firewall'\]"),
    "a vanishing peer without need": (
        '{ peer = "accept" }', '{ peer = "accept" }, { peer = "vanish" }', r"needs = \['hold'\]",
    ),
    "hold without need": ('{ peer = "accept" }', '{ peer = "hold data" }, { peer = "accept" }', r"needs = \['hold'\]"),
    "a body of unknown size": ('{ peer = "accept" }', '{ peer = "send head" }', r"no length: say with 'whole'"),
    "two sizes of a body": ("[wire]", "whole = 9\n[wire]", r"'whole' is for a response whose head has no length"),
    "container without need": (
        '{ peer = "accept" }', '{ peer = "accept" }, { container = "kill" }', r"needs = \['containers'\]",
    ),
    "container that ends twice": (
        'steps = [', 'needs = ["containers"]\nsteps = [\n  { container = "pause" }, { container = "kill" },',
        r"can be ended only once",
    ),
    "unknown end of a container": (
        '{ peer = "accept" }', '{ container = "explode" }', r"steps\[1\]: .*container has no step 'explode'",
    ),
    "repeated not at all": (
        '{ peer = "accept" }', '{ repeat = 0, steps = [{ peer = "accept" }] }',
        r"steps\[1\]\.repeat: Input should be greater than 0$",
    ),
    "nothing to repeat": ('{ peer = "accept" }', "{ repeat = 1, steps = [] }", r"steps\[1\]\.steps: Tuple should have"),
    "a bad step in a repetition": (
        '{ peer = "accept" }', '{ repeat = 1, steps = [{ peer = "acept" }] }', r"steps\[1\]\.steps\[0\]: .*'acept'",
    ),
    "no such end": ('end = "SF"', 'end = "FIN"', r"wire\.end\[0\]"),
    "no end": ('end = "SF"', "end = []", r"wire\.end"),
    "unknown claim": ('end = "SF"', 'end = "SF"\nfin = "peer"', r"wire\.fin: Extra inputs"),
    "claim of nobody known": ('end = "SF"', 'end = "SF"\nrst = "proxy"', r"wire\.rst"),
    "unknown method of a variant": (
        'end = "SF"', 'end = "SF"\n[variants]\nmethod = ["PUT"]\n[variants.next]\nonce = [{ peer = "close" }]',
        r"method\[0\]",
    ),
    "a version of TLS that is none": (
        'end = "SF"', 'end = "SF"\n[variants]\ntls = ["1.1"]', r"tls\[0\]",
    ),
    "a family by TLS of another name": (
        'end = "SF"', 'end = "SF"\n[variants]\ntls = ["1.3"]', r"is named tls-…",
    ),
    "a family without forms": ('end = "SF"', 'end = "SF"\n[variants]\nmethod = []', r"no form is given"),
    "variant of a bad name": (
        'end = "SF"', 'end = "SF"\n[variants]\nmethod = ["GET"]\n[variants.next]\n"Once 1" = [{ peer = "close" }]',
        r"next",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "complaint"), BAD.values(), ids=BAD)
def test_a_bad_script_is_refused_with_file_and_place(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(InputError, match=complaint) as caught:
        load_file(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("name", ["Made-up.toml", "made_up.toml", "-made.toml", "made--up.toml", "made up.toml"])
def test_a_file_of_a_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="file name is its id"):
        load_file(write(tmp_path, GOOD, name))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "made-up.toml"
    path.write_bytes(GOOD.encode() + b"# caf\xe9\n")
    with pytest.raises(InputError, match=r"not UTF-8 at byte \d+"):
        load_file(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_file(tmp_path / "made-up.toml")


def test_an_id_may_be_made_only_once(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "idle-get-once.toml")
    variants = '[variants]\nmethod = ["GET"]\n[variants.next]\nonce = [{ peer = "close" }]\n'
    write(tmp_path, GOOD + variants, "idle.toml")
    with pytest.raises(InputError, match="'idle-get-once' is defined twice"):
        load_catalogue(tmp_path)


def test_an_empty_folder_is_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no scenario files"):
        load_catalogue(tmp_path)
