"""What a run has left out, as people are told."""

from __future__ import annotations

from hangup.cli.skipped import NAMED, skipped_lines
from hangup.conduct.plan import Skipped

NO_TLS = "the client has no tls"
NO_ENGINE = "the netns lab has no engine of containers"


def of(client: str, *scenarios: str, reason: str = NO_TLS) -> list[Skipped]:
    return [Skipped(f"{client} {scenario}", reason) for scenario in scenarios]


def test_many_scenarios_of_a_client_are_counted() -> None:
    scenarios = [f"tls-{n}" for n in range(NAMED + 1)]
    assert list(skipped_lines(of("java/nio-socketchannel", *scenarios))) == [
        f"java/nio-socketchannel ({NAMED + 1} scenarios): {NO_TLS}"
    ]


def test_a_few_are_named() -> None:
    assert list(skipped_lines(of("java/nio-socketchannel", "tls-normal", "tls-fin-at-hello"))) == [
        f"java/nio-socketchannel (tls-normal, tls-fin-at-hello): {NO_TLS}"
    ]


def test_each_client_and_each_reason_has_a_line() -> None:
    everything = of("a/tcp", "one") + of("a/web", "one") + of("a/tcp", "two", reason="it races") + of("a/tcp", "three")
    assert list(skipped_lines(everything)) == [
        f"a/tcp (one, three): {NO_TLS}",
        f"a/web (one): {NO_TLS}",
        "a/tcp (two): it races",
    ]


def test_what_no_client_can_be_played_in_is_named_to_the_last() -> None:
    names = [f"container-{n}" for n in range(NAMED + 2)]
    assert list(skipped_lines(Skipped(name, NO_ENGINE) for name in names)) == [f"{', '.join(names)}: {NO_ENGINE}"]


def test_a_language_that_cannot_be_run_stands_alone() -> None:
    assert list(skipped_lines([Skipped("go/*", "`go` is not installed"), Skipped("node/*", "too old")])) == [
        "go/*: `go` is not installed",
        "node/*: too old",
    ]
