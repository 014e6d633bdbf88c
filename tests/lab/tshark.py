"""What tshark reads in a run's capture: the requests that left the client, on every connection, also inside TLS."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import pytest

Methods = Counter[str]
"""How many requests of each method."""

_FIELDS = ("tcp.stream", "tcp.srcport", "tcp.dstport", "http.request.method", "http2.headers.method")
_ANY_PORT = (
    # a trial's port is any, also one that belongs to another protocol: the first bytes tell whether they are HTTP/1.1
    # or TLS; what is inside TLS without ALPN is HTTP/1.1
    "-o", "tcp.try_heuristic_first:TRUE", "--enable-heuristic", "http_tcp", "--enable-heuristic", "tls_tcp",
    "-d", "tls.port==1-65535,http",
    # a request counts when its head is there; its body may be cut by the end of the connection, or by the snap length
    "-o", "http.desegment_body:FALSE",
)  # fmt: skip


def require_tshark() -> None:
    """Skip the test where there is no tshark."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")


def requests_on_the_wire(capture: Path, keys: Path) -> dict[int, list[tuple[int, Methods]]]:
    """By the peer's port: the client's port and its requests, for every connection with one, in their order."""
    command = ["tshark", "-n", "-r", str(capture), *_ANY_PORT, "-o", f"tls.keylog_file:{keys}"]
    command += ["-Y", "http.request or http2.headers.method", "-T", "fields", "-E", "aggregator=,"]
    command += [word for field in _FIELDS for word in ("-e", field)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    streams: dict[int, tuple[int, int, Methods]] = {}
    for line in output.splitlines():
        stream, client, peer, plain, framed = line.split("\t")
        _peer, _client, methods = streams.setdefault(int(stream), (int(peer), int(client), Counter()))
        methods.update(method for method in f"{plain},{framed}".split(",") if method)
    found: dict[int, list[tuple[int, Methods]]] = defaultdict(list)
    for _stream, (peer_port, client_port, methods) in sorted(streams.items()):
        found[peer_port].append((client_port, methods))
    return dict(found)
