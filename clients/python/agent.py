"""The Python agent: it hosts the clients of the package ``clients`` and obeys the harness.

The clients are whatever modules that package has, so a further client is one more file there, and its entry
in ``client.toml``; nothing else changes.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
import sys
from typing import TYPE_CHECKING, BinaryIO

import clients as package
from plumbing.host import Host
from plumbing.protocol import Output, Ping, Reply, RequestError, hello_line, parse, reply_line

if TYPE_CHECKING:
    from plumbing.client import Client


def protocol_stream() -> BinaryIO:
    """Take stdout for the protocol alone: what anything else prints from here on goes to stderr."""
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return stream


def hosted() -> dict[str, Client]:
    """The clients, by name, with all their libraries imported."""
    names = [f"{package.__name__}.{info.name}" for info in pkgutil.iter_modules(package.__path__)]
    found: list[Client] = [importlib.import_module(name).CLIENT for name in names]
    return {client.name: client for client in found}


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl+C is for the harness, which then ends stdin
    output = Output(protocol_stream())
    clients = hosted()

    def reply(answer: Reply) -> None:
        output.write(reply_line(answer))

    host = Host(clients, reply)
    output.write(hello_line(clients.values()))
    for line in sys.stdin.buffer:
        try:
            request = parse(line)
        except RequestError as error:
            if error.id is None:
                sys.stderr.write(f"{error}\n")  # no reply could name it
            else:
                reply(Reply(error.id, "failed", why=str(error)))
            continue
        if isinstance(request, Ping):
            reply(Reply(request.id, "observed"))
        else:
            host.accept(request)
    os._exit(0)  # at once, whatever blocks in a client


if __name__ == "__main__":
    main()
