"""Taking out of a text what changes from run to run: addresses, ports, object ids, paths, line numbers, thread names.

What is left is the client's own words, so that the same stack gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

_RULES: Sequence[tuple[re.Pattern[str], str]] = (
    # Java: below a hand-over to another thread stands whichever thread came to run the task, and by which path
    (
        re.compile(r"\n\tat [^\n]*(?:java\.util\.concurrent\.|SequentialScheduler)[^\n]*(?:\n\t(?:at|\.\.\.) [^\n]*)*"),
        "\n\t… (handed over by another thread)",
    ),
    (re.compile(r"\n\t\.\.\. \d+ more"), "\n\t... … more"),
    # Node: from where its event loop happened to come
    (re.compile(r"\n    at [^\n]*\(?node:internal/(?:process/task_queues|timers)\b[^\n]*"), ""),
    # Node: what undici's SocketError still found of the socket; an address that was gone already reads `undefined`
    (re.compile(r"(\n\s+(?:(?:local|remote)(?:Address|Port|Family)|bytesWritten): )[^\n,]+"), r"\1…"),
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "0x…"),
    (re.compile(r'File "[^"]*?(?:site-packages|site|lib/python[0-9.]+)/([^"]+)"'), r'File "…/\1"'),
    (re.compile(r'File "(?!…)[^"]*?([^"/]+/[^"/]+\.py)"'), r'File "…/\1"'),
    (re.compile(r"\bline \d+\b"), "line …"),
    # Python: below a frame stand its source line and marks of its columns, which differ with the library's version and
    # tell of no behaviour; a group of exceptions has bars before them
    (re.compile(r'^([ |]*  )(File "[^"\n]*", line …[^\n]*)(?:\n\1  [^\n]*)+', re.MULTILINE), r"\1\2"),
    (re.compile(r"(\.(?:java|go|kt|scala|c)):\d+"), r"\1:…"),
    # OpenSSL: the thread that the error belongs to
    (re.compile(r"\b[0-9A-F]{8,16}(:error:[0-9A-F]{8}:)"), r"…\1"),
    (re.compile(r"(\b(?:file://)?[\w./@-]*\.m?js|node:[\w/]+):\d+:\d+"), r"\1:…"),
    (re.compile(r"file://[^\s()]*/(clients|node_modules)/"), r"…/\1/"),
    (re.compile(r"\b(Thread-|thread-|worker-|pool-)\d+"), r"\1…"),
    (re.compile(r"<socket\.socket fd=\d+"), "<socket.socket fd=…"),
)


# Java's HttpClient is many tasks of several threads. Which of them met the error, and which of two traces they share,
# changes from run to run; the messages do not.
_INSIDE_HTTPCLIENT = re.compile(
    r"(?:\n\tat java\.net\.http/jdk\.internal\.[^\n]*)+(?:\n\t(?:\.\.\. … more|… \(handed over by another thread\)))?"
)
_TASKS = "\n\t… (tasks of java.net.http)"
_SHARED = "\n\t... … more"


_NUMBER = re.compile(r"(?<![\d.])\d{2,5}(?![\d.]*\d)")
"""What may be a port: a number that is not part of a longer one."""


class Normaliser:
    """For one trial: its addresses and ports, and the folder that its agent runs in."""

    def __init__(self, *, hosts: dict[str, str], port: int, ports: Collection[int], folder: Path | None) -> None:
        """``hosts``: what to put for each address; ``port``: the peer's; ``ports``: the client's own."""
        self._folder = f"{folder}/" if folder else None
        self._hosts = hosts
        self._addresses = re.compile(r"(?<![\d.])(" + "|".join(map(re.escape, hosts)) + r")(?!\.?\d)")
        self._numbers = {str(port): "PORT"} | {str(number): "CLIENTPORT" for number in ports}

    def __call__(self, text: str) -> str:
        """The text without what changes."""
        if self._folder is not None:
            text = text.replace(self._folder, "…/")
        text = self._addresses.sub(lambda found: self._hosts[found[1]], text)
        for pattern, replacement in _RULES:  # before the ports: a line may have the same number
            text = pattern.sub(replacement, text)
        text = _NUMBER.sub(lambda found: self._numbers.get(found[0], found[0]), text)
        without_tasks = _INSIDE_HTTPCLIENT.sub(_TASKS, text)
        return text if without_tasks == text else without_tasks.replace(_SHARED, _TASKS)
