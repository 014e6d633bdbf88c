"""How fast the lab and the lookup are: `nox -s bench`. Every figure is measured in this run and only printed.

The limit is the same ending by a bare loop in one process; the naive way is a process of its own for every trial.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import synthetic
from sayings import KINDS, SHAPES, missed, sayings

from hangup import paths
from hangup.agents.manifest import load_manifests
from hangup.catalogue import load_catalogue
from hangup.conduct.plan import CellId
from hangup.conduct.run import RunResult, build_agents, run_matrix
from hangup.conduct.rundir import RunFolder
from hangup.labs import LabName, open_lab
from hangup.lookup import load, lookup
from hangup.lookup.index import FILE
from hangup.store import load_results

SCENARIO = "rst-before-response"
REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LINGER = struct.pack("ii", 1, 0)


class Quiet:
    """Nothing is shown while the clock runs."""

    def note(self, text: str) -> None:
        click.echo(f"  {text}")

    def building(self, title: str) -> None:
        click.echo(f"  building the {title} agent")

    def planned(self, trials: int) -> None:
        pass

    def played(self, cell: CellId) -> None:
        pass


def bare_loop(trials: int) -> float:
    """Trials a second of the same ending in one process: no harness, no second process, no proof."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        start = time.perf_counter()
        for _ in range(trials):
            client = socket.create_connection(address)
            server, _peer = listener.accept()
            client.sendall(REQUEST)
            server.recv(4096)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            server.close()
            try:
                client.recv(4096)
                raise SystemExit("the bare loop saw no reset")
            except ConnectionResetError:
                client.close()
        return trials / (time.perf_counter() - start)


CHILD = """
import socket, sys
client = socket.create_connection((sys.argv[1], int(sys.argv[2])))
client.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")
try:
    client.recv(4096)
except ConnectionResetError:
    sys.exit(0)
sys.exit(1)
"""


def process_each(trials: int) -> float:
    """Trials a second where each is a Python process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        start = time.perf_counter()
        for _ in range(trials):
            child = subprocess.Popen([sys.executable, "-c", CHILD, *map(str, listener.getsockname())])
            server, _peer = listener.accept()
            server.recv(4096)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            server.close()
            if child.wait() != 0:
                raise SystemExit("a process saw no reset")
        return trials / (time.perf_counter() - start)


def container_each(trials: int) -> float:
    """Trials a second where each is a container of its own, as `docker run --rm` makes it, on a bridge network."""
    import docker

    from hangup.labs.docker.recipes import peer_recipe

    engine = docker.from_env(version="auto")
    network = engine.networks.create("hangup-bench")
    network.reload()
    try:
        gateway = network.attrs["IPAM"]["Config"][0]["Gateway"]
        with socket.create_server((gateway, 0)) as listener, ThreadPoolExecutor(1) as thread:
            command = ["python3", "-c", CHILD, *map(str, listener.getsockname())]
            start = time.perf_counter()
            for _ in range(trials):
                over = thread.submit(
                    engine.containers.run, peer_recipe().tag, command, network=network.name, remove=True
                )
                server, _peer = listener.accept()
                server.recv(4096)
                server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
                server.close()
                over.result()  # raises where its status is not 0
            return trials / (time.perf_counter() - start)
    finally:
        network.remove()
        engine.close()


async def lab_run(
    clients: list[str], scenarios: list[str], trials: int, jobs: int, lab_name: LabName = "netns"
) -> RunResult:
    """One run."""
    manifests = load_manifests(paths.clients())
    languages = {client.partition("/")[0] for client in clients}
    catalogue = load_catalogue()
    with tempfile.TemporaryDirectory(prefix="hangup-bench-") as folder:
        run_folder = RunFolder.create(Path(folder))
        try:
            async with open_lab(lab_name) as lab:
                builds, _ = await build_agents(
                    lab, {name: m for name, m in manifests.items() if name in languages}, Quiet()
                )
                return await run_matrix(
                    lab, builds, clients, {name: catalogue[name] for name in scenarios},
                    trials=trials, jobs=jobs, folder=run_folder, progress=Quiet(),
                )  # fmt: skip
        finally:
            run_folder.close()


def in_docker(clients: list[str], trials: int, jobs: int) -> None:
    """Print the docker lab's speed, and its ratio to the naive way."""
    print(f"scenario {SCENARIO}, {trials} trials a client, {jobs} at work at a time; agents' start is not counted")
    result = asyncio.run(lab_run(clients, [SCENARIO], trials, jobs, "docker"))
    rate = result.trials / result.playing
    print(f"{'all clients together':28} {rate:8.1f} trials a second, {len(result.failed)} without result")
    naive = container_each(20)
    print(f"{'naive: a container a trial':28} {naive:8.1f} trials a second")
    print(f"{'ratio':28} {rate / naive:8.0f}")


def measured(command: list[str]) -> tuple[float, float]:
    """Seconds, and seconds of CPU, of a program whose output nobody reads, and of its processes."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _pid, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{command[0]} ended with status {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime


def most_memory(command: list[str]) -> float:
    """MB at most that it and its processes have together, in a run of its own: to look costs time."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    while child.poll() is None:
        most = max(most, _proportional(child.pid))
        time.sleep(0.01)
    return most / 1024


def _proportional(pid: int) -> int:
    """kB of a process and those that it started; what several of them share is counted once."""
    try:
        started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it is over
        return 0
    own = re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)
    return (int(own[1]) if own else 0) + sum(_proportional(int(other)) for other in started)


_TIMES = 3
"""Runs of the quick programs, of which the best counts: the first one also brings the file into memory."""


def diagnosis(megabytes: int) -> None:
    """Print how fast captures are diagnosed, from start to end, against tshark and tcptrace on the same files."""
    tshark = ["tshark", "-n", "-2", "-T", "fields"]
    fields = [word for field in ("tcp.stream", "tcp.completeness", "tcp.analysis.flags") for word in ("-e", field)]
    with tempfile.TemporaryDirectory(prefix="hangup-bench-") as folder:
        for title, snaplen in (("full packets", 262_144), ("snapped at 96 bytes", 96)):
            path = Path(folder) / "capture.pcap"
            packets = synthetic.write(path, megabytes * 1_000_000, snaplen=snaplen)
            print(f"{title}: {megabytes} MB, {packets:,} packets")
            programs = {
                "hangup diagnose": [sys.executable, "-m", "hangup", "diagnose", str(path)],
                "tcptrace": ["tcptrace", "-n", str(path)],
                "tshark, two passes": [*tshark, *fields, "-r", str(path)],
            }
            ours: tuple[float, float] | None = None
            for name, command in programs.items():
                if shutil.which(command[0]) is None:
                    print(f"  {name:20} is not installed")
                    continue
                seconds, cpu = min(measured(command) for _ in range(1 if command[0] == "tshark" else _TIMES))
                most = most_memory(command)
                ours = ours or (seconds, cpu)
                print(
                    f"  {name:20} {seconds:8.2f} s ({seconds / ours[0]:5.1f} ×), "
                    f"{cpu:8.2f} s of CPU ({cpu / ours[1]:5.1f} ×), {most:8.0f} MB"
                )


def memory() -> float:
    """The largest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def processor() -> float:
    """Seconds of processor time that child processes took so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lookups() -> None:
    """Print how many published texts are recognised, and how long an answer takes, here and by the command."""
    results = list(load_results(paths.published_results()).values())
    index = load(paths.published_results() / FILE)
    print(
        f"{'recognised: client first, scenario within three':50} {'texts':>6} {'rate':>8} {'ms each':>8} {'slowest':>8}"
    )
    for kind in KINDS:
        said = sayings(results, kind)
        for name, shape in SHAPES.items():
            right, times = 0, []
            for text, who in said.items():
                shaped = shape(text)
                start = time.perf_counter()
                answers = lookup(index, shaped)
                times.append((time.perf_counter() - start) * 1000)
                right += not missed(who, answers[0])
            mean = sum(times) / len(times)
            print(f"{kind + ', ' + name:50} {len(said):6} {right / len(said):8.1%} {mean:8.1f} {max(times):8.1f}")
    longest = max(sayings(results, "printed"), key=len)
    times, before = [], processor()
    for _ in range(20):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "hangup", "lookup", longest], stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - start) * 1000)
    print(
        f"the command on {longest.count(chr(10))} lines: median {sorted(times)[10]:.0f} ms from start to end, best "
        f"{min(times):.0f} ms, {(processor() - before) * 50:.0f} ms of processor time"
    )


@click.command()
@click.argument("part", type=click.Choice(["lab", "matrix", "docker", "lookup", "site", "diagnose"]), default="lab")
@click.option("--trials", default=300, show_default=True)
@click.option("--jobs", default=16, show_default=True)
@click.option("--size", default=300, show_default=True, help="MB of each capture to diagnose.")
def main(part: str, trials: int, jobs: int, size: int) -> None:
    """PART lab: one scenario, client by client. PART matrix: all of it, ten trials a cell.

    PART docker: the same scenario in the docker lab, all clients together, against a container for each trial.

    PART lookup: how many measured texts are recognised, shape by shape, and how long an answer takes.

    PART site: how long the site takes to build, what it weighs, and how quick search and matrix are in chromium.

    PART diagnose: captures made by code, against tshark and tcptrace.
    """
    if part == "site":
        from bench_site import site  # needs Playwright, which the other parts do without

        site()
        return
    if part == "lookup":
        lookups()
        return
    if part == "diagnose":
        diagnosis(size)
        return
    members = [(name, e.layer) for m in load_manifests(paths.clients()).values() for name, e in m.clients.items()]
    if part == "matrix":
        result = asyncio.run(lab_run([name for name, _ in members], list(load_catalogue()), 10, jobs))
        print(f"the whole matrix: {len(result.cells)} cells, {result.trials} trials, {result.seconds:.1f} s, "
              f"{len(result.failed)} without result, {result.repeated} repeated")  # fmt: skip
        return
    if part == "docker":
        in_docker([name for name, _ in members], trials, jobs)
        return
    print(f"scenario {SCENARIO}, {trials} trials a client, {jobs} at work at a time; agents' start is not counted")
    for name, _ in members:
        result = asyncio.run(lab_run([name], [SCENARIO], trials, jobs))
        if not result.cells:
            print(f"{name:28}    does not play it")
            continue
        print(f"{name:28} {result.trials / result.playing:8.0f} trials a second")
    for layer in ("stream", "http"):
        together = [name for name, its in members if its == layer]
        result = asyncio.run(lab_run(together, [SCENARIO], trials, jobs))
        print(f"{'all ' + layer + ' clients together':28} {result.trials / result.playing:8.0f} trials a second")
    few = memory()
    asyncio.run(lab_run(["python/socket"], [SCENARIO], trials * 10, jobs))
    print(f"{'limit: a bare loop':28} {bare_loop(trials):8.0f} trials a second")
    print(f"{'naive: a process a trial':28} {process_each(min(trials, 100)):8.0f} trials a second")
    print(f"{'memory of the harness':28} {few:8.1f} MB, after ten times as many trials {memory():.1f} MB")


if __name__ == "__main__":
    main()
