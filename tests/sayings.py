"""Every error text of the published results, and the shapes in which it may stand in somebody's log: for the tests of
the lookup and for its benchmark. What is expected of an answer is here too, so that both ask the same."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from hangup.lookup import Answer
from hangup.store import ClientResults
from hangup.store.model import Link, Operation


@dataclass
class Said:
    """Who said a text, and where."""

    clients: set[str] = field(default_factory=set)
    scenarios: set[str] = field(default_factory=set)


Sayings = Mapping[str, Said]


def messages(operation: Operation) -> Iterable[str]:
    """The message of each link."""
    return (link.message for link in operation.error)


def links(operation: Operation) -> Iterable[str]:
    """Each link with its type, as most languages print it."""
    return map(_typed, operation.error)


def printed(operation: Operation) -> Iterable[str]:
    """What the language prints."""
    return (operation.printed,) if operation.printed else ()


def outermost(operation: Operation) -> Iterable[str]:
    """The printed line of what the application catches."""
    return _line(operation, operation.error[0]) if operation.error else ()


def innermost(operation: Operation) -> Iterable[str]:
    """The printed line of the first cause."""
    return _line(operation, operation.error[-1]) if operation.error else ()


KINDS: Mapping[str, Callable[[Operation], Iterable[str]]] = {
    "messages": messages,
    "links": links,
    "printed": printed,
    "outermost line": outermost,
    "innermost line": innermost,
}


def sayings(results: Iterable[ClientResults], kind: str) -> Sayings:
    """All distinct texts of a kind."""
    said: defaultdict[str, Said] = defaultdict(Said)
    for result in results:
        for scenario, cell in result.cells.items():
            for operation in (operation for o in cell.observations for operation in o.operations):
                for text in filter(None, KINDS[kind](operation)):
                    said[text].clients.add(result.client)
                    said[text].scenarios.add(scenario)
    return said


def _typed(link: Link) -> str:
    return f"{link.type}: {link.message}" if link.message else link.type


def _line(operation: Operation, link: Link) -> Iterable[str]:
    """The line that prints this error; by its type and message, or, as Go does, by its message alone."""
    lines = [line for line in (operation.printed or "").split("\n") if not line.lstrip().startswith("at ")]
    name = link.type.rpartition(".")[2]
    found = [line for line in lines if name in line and link.message.split("\n")[0] in line]
    found = found or [line for line in lines if link.message and link.message in line]
    return found[-1:]


# --- shapes ---


def elsewhere(text: str) -> str:
    """The same error on another machine: other addresses, ports, paths, line numbers, object ids and sizes."""
    text = re.sub(r"http://PEER:PORT/", "https://api.example.com:8443/v1/orders?id=4711&x=%20", text)
    text = text.replace("host='PEER', port=PORT", "host='api.example.com', port=8443")
    text = re.sub(r"\bCLIENT:CLIENTPORT\b", "10.1.2.3:43210", text)
    text = re.sub(r"(Connection to|connect to host) PEER", r"\1 api.example.com", text)
    text = re.sub(r"\bPEER\b", "203.0.113.77", text)
    text = re.sub(r"\bPORT\b", "8443", text)
    text = re.sub(r"url: /(?= )", "url: /v1/orders?id=4711", text)
    text = re.sub(r'File "…/(?=[^"/]+")', 'File "/usr/lib/python3.12/', text)
    text = re.sub(r'File "…/', 'File "/srv/app/.venv/lib/python3.12/site-packages/', text)
    text = re.sub(r"\bline …", "line 1234", text)
    text = re.sub(r"(\.java|\.go):…", r"\1:987", text)
    text = re.sub(r"(\.m?js|node:[\w/]+):…", r"\1:1634:16", text)
    text = text.replace("... … more", "... 12 more").replace("0x…", "0x7f3a5c0d2b90")
    text = re.sub(r"\b512\b", "40960", text)
    return re.sub(r"\b1024\b", "81920", text)


def logged(text: str) -> str:
    """In a log: a time stamp, a level, a thread and a logger before it, something after it."""
    return (
        "2026-11-23T10:15:30.123+01:00  WARN 4711 --- [http-nio-8080-exec-3] c.e.orders.Gateway : order 815 not sent, "
        f"{text} (attempt 3 of 5)"
    )


def prefixed(text: str) -> str:
    """In a journal that puts its own words before each line."""
    return "\n".join(f"Nov 23 10:15:30 web-3 orders[4711]: {line}" for line in text.split("\n"))


def as_json(text: str) -> str:
    """In a structured log, on one line."""
    return json.dumps({"ts": "2026-11-23T09:15:30Z", "level": "error", "msg": text, "attempt": 3}, ensure_ascii=False)


def coloured(text: str) -> str:
    """From a terminal."""
    return "\n".join(f"\x1b[31m{line}\x1b[0m" for line in text.split("\n"))


def amid(text: str) -> str:
    """Among fifty lines that say nothing of it."""
    noise = "\n".join(
        f"2026-11-23 10:15:{second:02} INFO worker {second}: 200 in {second * 7} ms" for second in range(25)
    )
    return f"{noise}\n{text}\n{noise}"


SHAPES: Mapping[str, Callable[[str], str]] = {
    "as measured": lambda text: text,
    "elsewhere": elsewhere,
    "in a log line": lambda text: logged(elsewhere(text)),
    "in a journal": lambda text: prefixed(elsewhere(text)),
    "in JSON": lambda text: as_json(elsewhere(text)),
    "coloured": lambda text: coloured(elsewhere(text)),
    "amid others": lambda text: amid(elsewhere(text)),
}

# --- what is expected ---


def missed(said: Said, answer: Answer) -> list[str]:
    """The clients that are not first, and the scenarios that are not within the first three; what ties has one rank."""
    clients = {ranked.client: ranked.score for ranked in reversed(answer.clients)}  # who is documented too counts once
    scenarios = {ranked.scenario: ranked.score for ranked in answer.scenarios}
    better = sorted(scenarios.values(), reverse=True)
    first = max(clients.values(), default=0)
    return [client for client in sorted(said.clients) if clients.get(client, -1) < first] + [
        name for name in sorted(said.scenarios) if name not in scenarios or better.index(scenarios[name]) >= 3
    ]
