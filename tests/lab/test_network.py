"""Each act of the network is what it says on the wire, and is gone when its trial is over: in the netns lab."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from driving import Driven, drive, require_lab
from whole_run import CATALOGUE, MANIFESTS, require_client

from hangup.catalogue import Step
from hangup.conduct.network import TrialNetwork
from hangup.conduct.observer import Observer
from hangup.conduct.peer import Peer
from hangup.conduct.rundir import raw_trials, trial_packets
from hangup.conduct.trial import Trial
from hangup.errors import LabError
from hangup.labs import open_lab
from hangup.labs.base import Network
from hangup.labs.firewall import FATES, Fate
from hangup.labs.forge import IP_ID, TTL
from hangup.labs.netns import NetnsLab
from hangup.labs.topology import CLIENT_HOST, ROUTER_HOST, TRANSLATED_HOST
from hangup.wire import Flags, IcmpError, Segment, host

pytestmark = pytest.mark.lab

CLIENT = "python/socket"
OWN_TTL = 64 - 1
"""Of the peer's segments, which have passed the router."""
SCENARIOS = (
    "host-unreachable", "admin-prohibited", "service-endpoint-removed", "firewall-reset-on-connect", "no-route",
    "backlog-full-reset", "firewall-reset-mid-stream", "injected-rst", "injected-rst-out-of-window", "host-rebooted",
    "local-abort", "address-removed", "icmp-mid-connection", "host-gone", "reuse-forgotten-drop-get-once",
    "conntrack-flushed", "rst-large-body",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """Two trials of each scenario, with a client that does what it is told and nothing by itself."""
    require_lab("netns")
    scenarios = {name: CATALOGUE[name] for name in SCENARIOS}
    manifests = {"python": MANIFESTS["python"]}
    root = tmp_path_factory.mktemp("network")
    return asyncio.run(drive("netns", manifests, scenarios, root, clients=[CLIENT], trials=2))


def trials(run: Driven, scenario: str) -> list[tuple[Trial, list[Segment], list[IcmpError]]]:
    """The cell's trials, each with its segments and the ICMP errors about them."""
    require_client(run, CLIENT)
    for skipped in run.result.skipped:
        if skipped.what == scenario:
            pytest.skip(f"{scenario}: {skipped.reason}")
    found = []
    for trial in raw_trials(run.folder):
        if trial.scenario == scenario:
            assert trial.invalid is None
            packets = trial_packets(run.folder, trial)
            segments = [packet for packet in packets if isinstance(packet, Segment)]
            found.append((trial, segments, [packet for packet in packets if isinstance(packet, IcmpError)]))
    assert len(found) == 2
    return found


@pytest.mark.parametrize(
    ("scenario", "code"),
    [("host-unreachable", 1), ("admin-prohibited", 13), ("service-endpoint-removed", 3)],
)
def test_a_syn_is_answered_by_icmp_of_the_routers(run: Driven, scenario: str, code: int) -> None:
    for _trial, segments, errors in trials(run, scenario):
        assert all(segment.flags == Flags.SYN for segment in segments)
        assert {(host(error.src), error.ttl, error.type, error.code) for error in errors} == {
            (ROUTER_HOST, 64, 3, code)
        }


def test_a_firewalls_rst_answers_a_syn_in_the_peers_name(run: Driven) -> None:
    for trial, segments, _errors in trials(run, "firewall-reset-on-connect"):
        syn, rst = segments
        assert (syn.flags, rst.flags) == (Flags.SYN, Flags.RST | Flags.ACK)
        assert (rst.sport, rst.ttl) == (trial.port, 64)


def test_without_a_route_nothing_is_sent(run: Driven) -> None:
    for trial, segments, errors in trials(run, "no-route"):
        assert (segments, errors, trial.evidence) == ([], [], ())


def resets(trial: Trial, segments: list[Segment]) -> list[Segment]:
    """The RSTs in the peer's name, while the trial was played."""
    over = [segment for segment in segments if segment.time_ns <= trial.over_ns]
    return [segment for segment in over if segment.sport == trial.port and segment.flags & Flags.RST]


def own(trial: Trial, segments: list[Segment]) -> set[int]:
    """The TTLs of what the peer sent beside."""
    return {s.ttl for s in segments if s.sport == trial.port and not s.flags & Flags.RST}


@pytest.mark.parametrize(
    ("scenario", "ttl"),
    [
        ("injected-rst", TTL), ("firewall-reset-mid-stream", 64), ("host-rebooted", OWN_TTL),
        ("backlog-full-reset", OWN_TTL), ("conntrack-flushed", OWN_TTL),
    ],
)  # fmt: skip
def test_the_ttl_tells_who_sent_a_rst(run: Driven, scenario: str, ttl: int) -> None:
    for trial, segments, _errors in trials(run, scenario):
        assert own(trial, segments) == {OWN_TTL}
        assert [rst.ttl for rst in resets(trial, segments)] == [ttl]


def test_forged_resets_that_miss_draw_one_challenge_and_end_nothing(run: Driven) -> None:
    for trial, segments, _errors in trials(run, "injected-rst-out-of-window"):
        far, near = resets(trial, segments)
        assert {(rst.ttl, rst.ip_id) for rst in (far, near)} == {(TTL, IP_ID)}
        after_far, after_near = segments[segments.index(far) + 1], segments[segments.index(near) + 1]
        assert after_far is near, "beyond the window: silence"
        assert (after_near.dport, after_near.flags, after_near.length) == (trial.port, Flags.ACK, 0)
        assert trial.evidence[0].peer_fin


def test_behind_a_translation_the_peer_sees_another_port_than_the_clients(run: Driven) -> None:
    for trial, segments, _errors in trials(run, "conntrack-flushed"):
        (port,) = trial.ports
        (seen,) = trial.log
        assert seen.remote != port
        assert [request.complete for request in seen.requests] == [True], "the second one never came to its socket"
        (rst,) = resets(trial, segments)
        assert segments[segments.index(rst) - 1].length, "it answers the request"


def test_what_lies_unread_in_the_clients_kernel_is_read_behind_the_rst(run: Driven) -> None:
    for trial, segments, _errors in trials(run, "rst-large-body"):
        _connect, read = trial.operations
        (rst,) = resets(trial, segments)
        assert rst.time_ns < read.begun_ns
        assert read.reply is not None
        assert read.reply.received == trial.evidence[0].peer_bytes == 1 << 20


def test_an_aborted_connection_is_reset_by_the_client(run: Driven) -> None:
    for trial, segments, _errors in trials(run, "local-abort"):
        (operation,) = trial.operations
        assert operation.reply is not None
        assert operation.reply.error is not None
        assert operation.reply.error[0].code == "ECONNABORTED"
        assert next(s.dport for s in segments if s.flags & Flags.RST) == trial.port


def test_from_an_address_that_was_removed_nothing_is_sent(run: Driven) -> None:
    for trial, segments, _errors in trials(run, "address-removed"):
        first, second = trial.operations
        sent = [s for s in segments if s.dport == trial.port and s.time_ns <= trial.over_ns]
        assert {host(s.src) for s in sent} == {trial.client_host} != {CLIENT_HOST}
        assert first.begun_ns < sent[-1].time_ns < second.begun_ns
        assert second.reply is not None
        assert second.reply.error is not None
        assert second.reply.error[0].code == "ETIMEDOUT"


@pytest.mark.parametrize("scenario", ["icmp-mid-connection", "host-gone"])
def test_an_established_connection_is_told_again_and_again_and_goes_on(run: Driven, scenario: str) -> None:
    for _trial, segments, errors in trials(run, scenario):
        assert len(errors) > 1
        assert {(error.type, error.code) for error in errors} == {(3, 1)}
        first = errors[0].time_ns
        assert any(segment.length and segment.time_ns > first for segment in segments)


def test_a_flow_that_is_dropped_gets_no_answer_any_more(run: Driven) -> None:
    for trial, segments, errors in trials(run, "reuse-forgotten-drop-get-once"):
        requests = [s for s in segments if s.dport == trial.port and s.length and s.time_ns <= trial.over_ns]
        assert len({s.seq for s in requests}) == 2
        assert len(requests) > 3, "the second one is sent again and again"
        assert not [s for s in segments if s.sport == trial.port and requests[1].time_ns < s.time_ns <= trial.over_ns]
        assert errors == []


# A fate is a trial's own, and is over with it.

CONNECT = """
import errno, socket, sys
sock = socket.socket()
sock.settimeout(2)
try:
    sock.connect((sys.argv[1], int(sys.argv[2])))
    print("connected", flush=True)
except OSError as error:
    print(errno.errorcode.get(error.errno, "silence"), flush=True)
"""
"""A client that says what came of its connect."""

MET: dict[Fate, str] = {
    "drop": "silence",
    "reset": "ECONNREFUSED",
    "reject": "ECONNREFUSED",
    "unreachable": "EHOSTUNREACH",
    "prohibit": "EHOSTUNREACH",
    "gone": "EHOSTUNREACH",
}


class Word:
    """Hears one line of a process."""

    def __init__(self) -> None:
        self.heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def line(self, line: bytes) -> None:
        self.heard.set_result(line.decode())

    def broken(self, why: str) -> None:
        if not self.heard.done():
            self.heard.set_exception(AssertionError(why))


class Scene:
    """A lab with a firewall, and two trials open at its peer."""

    def __init__(self, lab: NetnsLab, network: Network, ports: tuple[int, int]) -> None:
        self.lab = lab
        self.network = network
        self.one, self.other = ports
        self.translates = "translation" in lab.offers()

    async def connect(self, port: int) -> str:
        """What a connect from the client's side comes to."""
        argv = [sys.executable, "-c", CONNECT, self.lab.host, str(port)]
        process = await self.lab.spawn("client", argv, env={}, cwd=Path("/"))
        process.listen(word := Word())
        said = await word.heard
        await process.end()
        return said

    async def listen(self, port: int) -> Words:
        """Have a server of the test's own at the peer's side."""
        process = await self.lab.spawn("peer", [sys.executable, "-c", ACCEPT, str(port)], env={}, cwd=Path("/"))
        process.listen(words := Words())
        return words


def on_scene(play: Callable[[Scene], Awaitable[None]]) -> None:
    require_lab("netns")

    async def run() -> None:
        async with open_lab("netns") as lab:
            if "firewall" not in lab.offers():
                pytest.skip("this lab has no firewall")
            assert isinstance(lab, NetnsLab)
            assert lab.network is not None
            peer = await Peer.start(lab)
            await play(Scene(lab, lab.network, (await peer.open("one", ()), await peer.open("other", ()))))
            await peer.stop()

    asyncio.run(run())


@pytest.mark.parametrize("fate", FATES)
def test_a_fate_is_that_of_one_trial_until_it_is_over(fate: Fate) -> None:
    async def play(scene: Scene) -> None:
        await scene.network.fate(fate, scene.one, None)
        assert await scene.connect(scene.one) == MET[fate]
        assert await scene.connect(scene.other) == "connected"
        await scene.network.clear(scene.one)
        assert await scene.connect(scene.one) == "connected"

    on_scene(play)


def test_a_fate_takes_the_place_of_another() -> None:
    async def play(scene: Scene) -> None:
        await scene.network.fate("drop", scene.one, None)
        await scene.network.fate("reset", scene.one, None)
        assert await scene.connect(scene.one) == MET["reset"]

    on_scene(play)


def test_the_fate_of_a_flow_is_not_that_of_another_connection() -> None:
    async def play(scene: Scene) -> None:
        await scene.network.fate("drop", scene.one, 1)
        assert await scene.connect(scene.one) == "connected"

    on_scene(play)


def test_what_the_keeper_cannot_do_is_said_in_words() -> None:
    async def play(scene: Scene) -> None:
        with pytest.raises(LabError, match=r"abort: .*No such file"):
            await scene.network.abort(1, scene.one)
        assert await scene.connect(scene.one) == "connected", "the keeper goes on"

    on_scene(play)


# Translation is a trial's own, too.

ACCEPT = """
import socket, sys
with socket.create_server(("", int(sys.argv[1]))) as listener:
    print("listening", flush=True)
    for _ in range(3):
        sock, (address, _) = listener.accept()
        sock.close()
        print(address, flush=True)
"""
"""A server that says from which addresses it is connected to."""


class Words:
    """Hears a process line by line."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str] = asyncio.Queue()

    def line(self, line: bytes) -> None:
        self._lines.put_nowait(line.decode().strip())

    def broken(self, why: str) -> None:
        self._lines.put_nowait(why)

    async def next(self) -> str:
        return await self._lines.get()


def test_only_what_is_told_of_is_translated_and_only_until_the_trial_is_over() -> None:
    async def play(scene: Scene) -> None:
        if not scene.translates:
            pytest.skip("this lab has no translation")
        port = scene.other + 1000
        words = await scene.listen(port)
        assert await words.next() == "listening"
        seen = []
        for act in (None, scene.network.translate, scene.network.clear):
            if act is not None:
                await act(port)
            assert await scene.connect(port) == "connected"
            seen.append(await words.next())
        assert seen == [CLIENT_HOST, TRANSLATED_HOST, CLIENT_HOST]

    on_scene(play)


def test_the_clients_own_port_is_known_where_the_peer_sees_another() -> None:
    async def play(scene: Scene) -> None:
        if not scene.translates:
            pytest.skip("this lab has no translation")
        assert scene.lab.capture is not None
        observer = Observer(scene.lab.capture, None)
        tracker = observer.watch(scene.one)
        network = TrialNetwork(scene.lab, scene.lab.host, scene.one, tracker)
        assert network.client_port(1) == 1
        await network.play(Step(actor="network", act="translate"), None)
        assert network.client_port(None) is None
        assert await scene.connect(scene.one) == "connected"
        assert network.client_port(1) == tracker.recent()[0].sport
        observer.close()

    on_scene(play)


def test_a_translation_that_is_not_there_cannot_be_lost() -> None:
    async def play(scene: Scene) -> None:
        if not scene.translates:
            pytest.skip("this lab has no translation")
        with pytest.raises(LabError, match=r"forget: .*No such file"):
            await scene.network.forget(scene.one, 1)

    on_scene(play)
