"""Ports of this machine that the engine publishes, and that lead into a container in which nothing listens.

A client on the run's network reaches them at this machine's own address there, as a client on this machine does at
localhost: there the engine's userland proxy accepts the connection before it tries the container. (From elsewhere the
kernel translates addresses, and the container refuses by itself.) They are bound to that address alone, so they can
be reached from nowhere else, and there are some of them, because a trial's port is its own.
"""

from __future__ import annotations

import errno
import socket
from itertools import islice

COUNT = 32
"""Twice as many as trials are at work at a time, by default. Each costs the engine a process, some rules and 50 ms."""
PORTS = range(2_000, 5_000)
"""This machine's: below those of the peers. The container's own are 1 and so on, which no trial has."""
AS_WANTED = "ECONNRESET"
"""What a request gets that has arrived before the proxy ends its connection."""
UNORDERED = "published ports: this kernel cannot keep ACKs without data in (CONFIG_NET_CLS_BPF, CONFIG_NET_SCH_INGRESS)"


def free_ports(address: str) -> list[int]:
    """Some that nobody has at this machine's address, nor at all of its addresses: one that is taken fails the rest."""
    return list(islice((port for port in PORTS if _is_free(address, port)), COUNT))


def _is_free(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        try:
            sock.bind((address, port))
        except OSError as error:  # an engine with a network of its own has addresses that are not here
            return error.errno != errno.EADDRINUSE
    return True


def lacking(told: str) -> str:
    """Why they are of no use, by what a request got there instead."""
    got = told or "the end of the stream"
    return f"published ports: a request got {got}, so the engine's userland proxy is off or not in the way"
