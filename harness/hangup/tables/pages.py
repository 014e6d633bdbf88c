"""The pages of a results folder: the matrix, and what it means, how it was made and on which versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from textwrap import dedent

from tabulate import tabulate

from hangup.catalogue import Scenario
from hangup.judge import Outcome, Verdict
from hangup.matrix import judged
from hangup.store import ClientResults
from hangup.tables.formats import plain_tables
from hangup.tables.labs import comparison, left_out, platforms

GENERATED = "<!-- Made by `hangup table --write`, which `nox -s matrix` ends with. Do not edit. -->\n"

LEGEND = """\
Each cell is what the application is told: the outcome of the first operation that did not succeed.

| word | the application is told |
| --- | --- |
| `reset` | ECONNRESET, by number, code, type or text |
| `broken-pipe` | EPIPE |
| `eof` | the end of the stream: a zero read, or an error that says that the peer closed |
| `truncated` | the message was incomplete, said so by the protocol layer |
| `refused`, `unreachable` | ECONNREFUSED; EHOSTUNREACH or ENETUNREACH |
| `aborted` | ECONNABORTED |
| `timeout` | ETIMEDOUT or the client's own deadline |
| `tls`, `protocol` | a TLS error; a parse error |
| `success` | a complete, right answer |
| `silent-truncation` | a success with bytes missing: the dangerous one |
| `wrong-answer` | a success that is not the answer: an interim 103, more bytes than announced, other bytes |
| `unspecific` | an error that names no ending |
| `hang` | nothing, until the harness gave up (20 s; more in scenarios that take longer) |

`!` the word is misleading: it does not agree with what happened on the wire. `×n` the client by itself made n attempts
that were seen on the wire. `a / b` trials differed, the commoner first. `–` not measured: the client has no such
operation, or it races with itself there. `invalid` the capture did not show the scenario, so there is no result.
"""


def matrix_page(results: Sequence[ClientResults], catalogue: Mapping[str, Scenario], note: str = "") -> str:
    """MATRIX.md: a table a layer for each platform, and the legend."""
    parts = [GENERATED, "# The matrix\n", note, LEGEND]
    for platform in platforms(results):
        members = [r for r in results if r.platform == platform]
        for layer, table in plain_tables(members, catalogue, "github"):
            parts += [f"## {'Stream' if layer == 'stream' else 'HTTP'} clients ({platform})\n", table + "\n"]
        parts.append(left_out(platform, catalogue))
    parts += ["## The scenarios\n", _scenarios(results, catalogue)]
    return "\n".join(part for part in parts if part)


def _scenarios(results: Sequence[ClientResults], catalogue: Mapping[str, Scenario]) -> str:
    used = {name for r in results for name in r.cells}
    rows = [
        [f"[{name}](SCENARIOS.md#{name})", s.title, " or ".join(s.wire.end)]
        for name, s in catalogue.items()
        if name in used
    ]
    return tabulate(rows, headers=["scenario", "what happens", "on the wire"], tablefmt="github") + "\n"


def readme_page(results: Sequence[ClientResults], catalogue: Mapping[str, Scenario]) -> str:
    """results/README.md."""
    parts = [GENERATED, dedent("""\
        # Results

        What each client reported in each scenario, measured. [MATRIX.md](MATRIX.md) is the matrix to read,
        [SCENARIOS.md](SCENARIOS.md) tells of each scenario what happens, why, and what to do about it, [matrix.csv](matrix.csv) the same with error types and messages, a line an observation, and
        `data/<platform>/<language>/<client>.json` what was observed: every error chain, what the language prints when
        nobody catches it, and what the wire showed. `data/<platform>/kernel.json` has the kernel's own reason for each scenario's
        RST, where the run had the right to ask. The JSON holds observations only; outcomes are derived when it is read
        (`harness/hangup/judge/rules.toml`), so a better rule needs no new run. `hangup show CLIENT SCENARIO` reads it to you.

        ## How it was made

        `nox -s matrix` runs every client in every scenario, ten trials a cell, against a peer that ends connections on
        command. Each trial has a port of its own and is captured at the client's side; the capture must show what the
        scenario claims (who sent the first FIN, who sent a RST, what was acknowledged, how many bytes were sent), or the trial is
        void. A cell holds all trials that were alike as one observation with its share in words: always, mostly (more than
        half), sometimes (a fifth or more), rarely.

        Addresses and ports, object ids, paths, line numbers, and the frames of a stack trace that depend on which
        thread ran a task are taken out of all texts, so that the same stack gives the same bytes: a difference in git is a
        difference in behaviour.

        ## What the numbers do not mean

        They were measured on Linux, over one hop without loss, with each library's default settings. `acted on` is `yes` if
        the peer's program had the whole request and went on, or answered it with success; `no` if nothing of it left the
        client, or if the protocol says so; else `maybe`. A retry is safe after `no` alone. `lost` counts bytes of the last response
        that were on the wire and that the application did not get, whether or not they ever reached the client's
        kernel. A `hang` says that nothing was reported before the harness gave up, not that nothing ever would be.
        """)]  # fmt: skip
    for platform in platforms(results):
        members = [r for r in results if r.platform == platform]
        parts += [f"## What ran ({platform})\n", _versions(members), left_out(platform, catalogue)]
    parts += comparison(results, catalogue)
    parts += ["## What is surprising\n", *_findings(results, catalogue)]
    return "\n".join(part for part in parts if part)


def _versions(members: Sequence[ClientResults]) -> str:
    rows = [
        [
            r.client,
            r.stack.runtime + (f", in {r.stack.container}" if r.stack.container else ""),
            ", ".join(f"{name} {version}" for name, version in sorted(r.stack.versions.items())),
            r.stack.system,
            r.trials,
        ]
        for r in members
    ]
    return tabulate(rows, headers=["client", "runtime", "libraries", "system", "trials"], tablefmt="github") + "\n"


Finding = tuple[str, Callable[[Verdict], bool]]

_SUCCESSES: Sequence[Finding] = (
    ("A truncated answer is returned as a success", lambda v: v.outcome is Outcome.SILENT_TRUNCATION),
    ("A wrong answer is returned as a success", lambda v: v.outcome is Outcome.WRONG_ANSWER),
)
_MISLEADING: Sequence[Finding] = (
    (
        "An end of the stream (FIN) is reported as a reset",
        lambda v: v.faithful is False and v.outcome is Outcome.RESET and v.ending in ("fin", "fin, rst"),
    ),
    (
        "A reset is reported as an end of the stream",
        lambda v: v.faithful is False and v.outcome in (Outcome.EOF, Outcome.TRUNCATED) and v.ending == "rst",
    ),
    (
        "A refusal is reported although the request had left the client, on a connection before",
        lambda v: v.outcome is Outcome.REFUSED and bool(v.sent),
    ),
)
_SILENCE: Sequence[Finding] = (("Nothing is reported at all", lambda v: v.outcome is Outcome.HANG),)

FINDINGS: Sequence[Finding] = (
    *_SUCCESSES,
    ("A POST is sent again, silently", lambda v: (v.sent or {}).get("POST", 0) > 1),
    ("A GET is sent again, silently", lambda v: (v.sent or {}).get("GET", 0) > 1),
    *_MISLEADING,
    (
        "What is reported is misleading in another way",
        lambda v: v.faithful is False and not any(holds(v) for _, holds in (*_SUCCESSES, *_MISLEADING, *_SILENCE)),
    ),
    ("Bytes that were sent never reach the application", lambda v: bool(v.lost)),
    *_SILENCE,
)
"""Derived from the verdicts, so that they are true of whatever results they stand beside."""


def _findings(results: Sequence[ClientResults], catalogue: Mapping[str, Scenario]) -> Iterator[str]:
    """What holds on some platforms only, says on which."""
    measured = platforms(results)
    cells = [(r.platform, cell) for r in results for cell in judged(r, catalogue)]
    for title, holds in FINDINGS:
        where: dict[tuple[str, str], list[str]] = {}
        for platform, cell in cells:
            if any(map(holds, cell.verdicts)):
                where.setdefault((cell.client, cell.scenario.id), []).append(platform)
        clients: dict[str, list[str]] = {}
        for client, scenario in sorted(where):
            found = where[client, scenario]
            only = "" if len(found) == len(measured) else f" ({', '.join(found)})"
            clients.setdefault(client, []).append(scenario + only)
        if clients:
            yield f"**{title}:**\n"
            yield "\n".join(f"- `{client}`: {', '.join(names)}" for client, names in clients.items()) + "\n"
