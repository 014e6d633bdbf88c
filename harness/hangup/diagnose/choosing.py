"""Which connections are looked at, in which order, and which of them make a run fail: what the options of `hangup
diagnose` mean."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, get_args

from hangup.diagnose.causes import causes
from hangup.diagnose.finding import Severity
from hangup.errors import InputError
from hangup.names import unknown
from hangup.wire import ConnState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hangup.diagnose.finding import Outline

_ORDER = list(Severity)
RESET = "reset"
"""In `--fail-on`: any RST, whoever sent it and whatever it did."""


_RANKS = {severity: -rank for rank, severity in enumerate(Severity)}

SORTS: dict[str, Callable[[Outline], tuple[object, ...]]] = {
    "severity": lambda f: (_RANKS[f.severity], f.stream),
    "stream": lambda f: (f.stream,),
    "start": lambda f: (f.start_ns, f.stream),
    "end": lambda f: (f.end_ns, f.stream),
    "duration": lambda f: (-f.duration_ns, f.stream),
    "bytes": lambda f: (-f.orig_bytes - f.resp_bytes, f.stream),
    "state": lambda f: (f.conn_state, f.stream),
    "cause": lambda f: (f.cause, f.stream),
    "host": lambda f: (f.resp.address, f.resp.port, f.stream),
}
"""What ``--sort`` can sort by; of numbers the largest first, but times from the earliest on."""


@dataclass(frozen=True)
class Filter:
    """A connection is taken where it fits one of the values of every option that has any."""

    states: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    ports: tuple[int, ...] = ()
    severity: Severity = Severity.NONE
    """And at least of this."""

    def takes(self, finding: Outline) -> bool:
        """Whether it is taken."""
        sides = (finding.orig, finding.resp)
        return (
            _fits(finding.conn_state, self.states)
            and _fits(finding.cause, self.causes)
            and (not self.networks or any(ipaddress.ip_address(s.address) in n for s in sides for n in self.networks))
            and (not self.ports or any(side.port in self.ports for side in sides))
            and at_least(finding.severity, self.severity)
        )


def _fits(name: str, globs: Sequence[str]) -> bool:
    return not globs or any(fnmatchcase(name, glob) for glob in globs)


def at_least(severity: Severity, least: Severity) -> bool:
    """Whether it is as grave."""
    return least is Severity.NONE or _ORDER.index(severity) >= _ORDER.index(least)


def make_filter(
    states: Sequence[str], names: Sequence[str], hosts: Sequence[str], ports: Sequence[int], severity: str
) -> Filter:
    """From options. Raises InputError for a name that nothing has, and for what is no address."""
    for glob in states:
        if not any(fnmatchcase(state, glob) for state in get_args(ConnState)):
            raise InputError(f"--state {glob}: no conn_state of Zeek's; there are {', '.join(get_args(ConnState))}")
    for glob in names:
        if not any(fnmatchcase(cause, glob) for cause in causes()):
            raise unknown("cause", glob, causes())
    return Filter(tuple(states), tuple(names), tuple(map(_network, hosts)), tuple(ports), Severity(severity))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise InputError(f"--host {text}: neither an address nor a network (192.0.2.1, 2001:db8::/32)") from None


def make_failure(words: Sequence[str]) -> Sequence[str]:
    """Check the values of `--fail-on`. Raises InputError for one that is none."""
    for word in words:
        known = [RESET, *_ORDER[1:], *causes()]
        if not any(fnmatchcase(name, word) for name in known):
            raise unknown("cause", word, known)
    return words


def fails(finding: Outline, words: Sequence[str]) -> bool:
    """Whether the connection is one that `--fail-on` is about."""
    names = [finding.cause, *(s for s in _ORDER[1:] if at_least(finding.severity, s)), *([RESET] * finding.reset)]
    return any(fnmatchcase(name, word) for name in names for word in words)
