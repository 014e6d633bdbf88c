"""What tshark reads in a run's capture: the requests that left the client, on every connection, also inside TLS."""

from __future__ import annotations

import subprocess
from collections import Counter, defaultdict
from pathlib import Path

Methods = Counter[str]
"""How many requests of each method."""

_FIELDS = ("tcp.srcport", "tcp.dstport", "http.request.method", "http2.headers.method")
_REQUESTS = "(http.request or http2.headers.method) and not icmp and not icmpv6"
"""An ICMP error quotes the segment that it is about, with the request in it."""
_ANY_PORT = (
    # a trial's port is any, also one that belongs to another protocol: the first bytes tell whether they are HTTP/1.1
    # or TLS; what is inside TLS without ALPN is HTTP/1.1
    "-o", "tcp.try_heuristic_first:TRUE", "--enable-heuristic", "http_tcp", "--enable-heuristic", "tls_tcp",
    "-d", "tls.port==1-65535,http",
    # a request counts when its head is there; its body may be cut by the end of the connection, or by the snap length
    "-o", "http.desegment_body:FALSE",
)  # fmt: skip


_NEAR = "not (tcp.len > 0 and tcp.seq > 65536)"
"""Without the rest of long bodies, which tshark takes most of its time for. No request begins there; if one did, the
harness alone would count it."""


def requests_on_the_wire(capture: Path, keys: Path) -> dict[int, dict[int, Methods]]:
    """By the peer's port and the client's: the requests of every connection with one."""
    near = capture.with_name("near.pcap")
    _tshark("-r", str(capture), "-Y", _NEAR, "-F", "pcap", "-w", str(near))
    arguments = ["-r", str(near), *_ANY_PORT, "-o", f"tls.keylog_file:{keys}"]
    arguments += ["-Y", _REQUESTS, "-T", "fields", "-E", "aggregator=,"]
    arguments += [word for field in _FIELDS for word in ("-e", field)]
    found: dict[int, dict[int, Methods]] = defaultdict(lambda: defaultdict(Counter))
    for line in _tshark(*arguments).splitlines():
        client, peer, plain, framed = line.split("\t")
        found[int(peer)][int(client)].update(method for method in f"{plain},{framed}".split(",") if method)
    return found


def _tshark(*arguments: str) -> str:
    return subprocess.run(["tshark", "-n", *arguments], check=True, capture_output=True, text=True, timeout=600).stdout
