"""How fast the lab is: `nox -s bench`. Every figure is measured in this run, and only printed, never asserted.

The limit is the same ending by a bare loop in one process; the naive way is a process of its own for every trial.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from hangup import paths
from hangup.agents.manifest import load_manifests
from hangup.catalogue import load_catalogue
from hangup.conduct.plan import CellId
from hangup.conduct.run import RunResult, build_agents, run_matrix
from hangup.conduct.rundir import RunFolder
from hangup.labs import open_lab

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
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
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
            child = subprocess.Popen([sys.executable, "-c", CHILD, str(listener.getsockname()[1])])
            server, _peer = listener.accept()
            server.recv(4096)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            server.close()
            if child.wait() != 0:
                raise SystemExit("a process saw no reset")
        return trials / (time.perf_counter() - start)


async def lab_run(clients: list[str], scenarios: list[str], trials: int, jobs: int) -> RunResult:
    """One run in the netns lab."""
    manifests = load_manifests(paths.clients())
    languages = {client.partition("/")[0] for client in clients}
    catalogue = load_catalogue()
    with tempfile.TemporaryDirectory(prefix="hangup-bench-") as folder:
        run_folder = RunFolder.create(Path(folder))
        try:
            async with open_lab("netns") as lab:
                builds, _ = await build_agents(
                    lab, {name: m for name, m in manifests.items() if name in languages}, Quiet()
                )
                return await run_matrix(
                    lab, builds, clients, {name: catalogue[name] for name in scenarios},
                    trials=trials, jobs=jobs, folder=run_folder, progress=Quiet(),
                )  # fmt: skip
        finally:
            run_folder.close()


def memory() -> float:
    """The largest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@click.command()
@click.argument("part", type=click.Choice(["lab", "matrix"]), default="lab")
@click.option("--trials", default=300, show_default=True)
@click.option("--jobs", default=16, show_default=True)
def main(part: str, trials: int, jobs: int) -> None:
    """PART lab: one scenario, client by client. PART matrix: all of it, ten trials a cell."""
    members = [(name, e.layer) for m in load_manifests(paths.clients()).values() for name, e in m.clients.items()]
    if part == "matrix":
        result = asyncio.run(lab_run([name for name, _ in members], list(load_catalogue()), 10, jobs))
        print(f"the whole matrix: {len(result.cells)} cells, {result.trials} trials, {result.seconds:.1f} s, "
              f"{len(result.failed)} without result, {result.repeated} repeated")  # fmt: skip
        return
    print(f"scenario {SCENARIO}, {trials} trials a client, {jobs} at work at a time; agents' start is not counted")
    for name, _ in members:
        result = asyncio.run(lab_run([name], [SCENARIO], trials, jobs))
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
