"""`python -m hangup_server`: the harness's peer, or, with --steps, a server of one ending for any client."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hangup_server import protocol, standalone
from hangup_server.errors import explain
from hangup_server.nursery import Nursery
from hangup_server.script import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0, or 2 for arguments that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m hangup_server",
        description="A TCP server that ends connections on command. Without arguments it obeys JSON lines on "
        "its standard input; with --steps it does one list of steps on every connection that comes.",
    )
    parser.add_argument("--steps", metavar="FILE", type=Path, help="a JSON list of steps")
    parser.add_argument("--port", type=int, metavar="N", help="the port to listen on (0: any), with --steps")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--contained", metavar="INTERFACE", help="be the first process of a container whose end is "
                        "part of a trial: make its wire plain, and do not end on SIGTERM, as a server does not that "
                        "waits for the requests in flight")  # fmt: skip
    given = parser.parse_args(arguments)
    if given.steps is None:
        if given.port is not None:
            parser.error("--port needs --steps")
        if given.contained is not None:
            from hangup_server.host import plain_wire  # Linux only

            plain_wire(given.contained)
        _obey_harness(parser, drain=given.contained is not None)
        return 0
    if given.port is None or not 0 <= given.port <= 65535:
        parser.error("--steps needs --port, from 0 to 65535")
    try:
        listed = json.loads(given.steps.read_text(encoding="utf-8"))
        script = standalone.for_every_client(parse(listed))
    except OSError as error:
        parser.error(f"cannot read {given.steps}: {explain(error)}")
    except ValueError as error:
        parser.error(f"{given.steps}: {error}")
    try:
        _run(lambda nursery: standalone.serve_all(given.host, given.port, script, nursery))
    except OSError as error:
        parser.error(f"cannot listen on {given.host} port {given.port}: {explain(error)}")
    return 0


def _obey_harness(parser: argparse.ArgumentParser, *, drain: bool) -> None:
    # Ctrl+C is meant for the harness, which then closes our standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _run(lambda nursery: protocol.converse(sys.stdin.fileno(), sys.stdout.fileno(), nursery, drain=drain))
    except PermissionError:
        parser.error("standard input must be a pipe, a socket or a terminal: a file cannot be waited for")


def _run(work: Callable[[Nursery | None], Coroutine[Any, Any, None]]) -> None:
    # The nursery comes first, so that it inherits no socket; the event loop has some.
    nursery = Nursery() if sys.platform == "linux" else None

    async def run() -> None:
        if nursery is None:
            await work(None)
            return
        nursery.listen()
        try:
            await work(nursery)
        finally:
            nursery.close()

    asyncio.run(run())


if __name__ == "__main__":
    sys.exit(main())
