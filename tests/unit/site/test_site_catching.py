"""What to catch: the smallest set that covers all errors, and nothing that a client did not give."""

from __future__ import annotations

import builtins
import importlib

import pytest
from sites import joined, published

from hangup.site.catching import Language, catching, language, languages, smallest_cover
from hangup.store.model import Link

SITE = joined(published())
FLAT = Language()
FAMILY = Language(bases={"Reset": "Broken", "Pipe": "Broken", "Broken": "OSError"})

COVERS = {
    "nothing": (FLAT, [], []),
    "one": (FLAT, [("Reset",)], ["Reset"]),
    "strangers": (FLAT, [("Reset",), ("Timeout",)], ["Reset", "Timeout"]),
    "a base that was given covers its kin": (FAMILY, [("Reset",), ("Pipe",), ("Broken",)], ["Broken"]),
    "a base that nobody gave is not advised": (FAMILY, [("Reset",), ("Pipe",)], ["Pipe", "Reset"]),
    "a wrapper seen along the chain": (FLAT, [("op", "reset"), ("op", "refused"), ("eof",)], ["eof", "op"]),
    "fewer is better than outermost": (FLAT, [("a", "x"), ("b", "x"), ("c", "x")], ["x"]),
    "the outermost of equals": (FLAT, [("outer", "inner"), ("outer", "inner")], ["outer"]),
    "more than greed would find": (
        FLAT, [("p", "x"), ("p", "y"), ("p", "x"), ("p", "y"), ("q", "x"), ("r", "y")], ["x", "y"],
    ),
}  # fmt: skip

RETRIES = [
    ("python/requests", "requests.exceptions.ReadTimeout", False),
    ("python/requests", "requests.exceptions.ConnectTimeout", True),
    ("python/http.client", "TimeoutError ETIMEDOUT", False),
    ("python/http.client", "BrokenPipeError EPIPE", False),
    ("python/httpx", "httpx.WriteTimeout", False),
    ("node/fetch", "ConnectTimeoutError UND_ERR_CONNECT_TIMEOUT", True),
    ("node/http", "Error ECONNREFUSED", True),
    ("go/net-http", "tls.alert", True),
]
"""Errors of requests that were answered in no case, and whether a retry is safe."""


@pytest.mark.parametrize(("its", "given", "cover"), COVERS.values(), ids=COVERS)
def test_the_smallest_set(its: Language, given: list[tuple[str, ...]], cover: list[str]) -> None:
    assert sorted(smallest_cover(its, given)) == cover


def test_what_is_more_special_is_tried_first() -> None:
    its = Language(bases={"Timeout": "Broken"})
    given = [("Broken",), ("Timeout",), ("Other",)]
    assert smallest_cover(its, given) == ["Broken", "Other"]


class TestPublished:
    @pytest.mark.parametrize("client", SITE.of_client)
    def test_every_error_is_covered_once(self, client: str) -> None:
        entries = SITE.of_client[client]
        errors = [report for entry in entries for report in entry.leading.reports if report.decisive.error]
        handled = [f.report for handler in catching(client, entries).handlers for f in handler.failures]
        assert len(handled) == len(errors)
        assert all(handler.failures for handler in catching(client, entries).handlers)

    @pytest.mark.parametrize("client", SITE.of_client)
    def test_its_language_is_known(self, client: str) -> None:
        assert client.partition("/")[0] in languages()

    def test_a_fin_that_node_calls_a_reset_shares_its_handler(self) -> None:
        handlers = {h.code: h for h in catching("node/http", SITE.of_client["node/http"]).handlers}
        ends = {f.report.verdict.ending for f in handlers['err.code === "ECONNRESET"'].failures}
        assert {"fin", "rst"} <= ends

    def test_the_cause_tells_a_refusal_apart_after_which_a_retry_is_safe(self) -> None:
        causes = catching("python/requests", SITE.of_client["python/requests"]).causes
        refused = next(cause for cause in causes if cause.names[-1] == "ConnectionRefusedError ECONNREFUSED")
        assert refused.safe
        assert causes.index(refused) < next(n for n, cause in enumerate(causes) if cause.maybe_acted_on)

    def test_what_no_handler_takes_is_told(self) -> None:
        found = catching("python/requests", SITE.of_client["python/requests"])
        assert "fin-mid-head" in {entry.scenario.id for entry in found.short}
        assert "silence-on-accept" in {entry.scenario.id for entry in found.hangs}

    def test_a_retry_is_safe_only_where_no_request_can_have_been_read(self) -> None:
        for client, entries in SITE.of_client.items():
            for handler in catching(client, entries).handlers:
                assert {f.report.verdict.acted_on for f in handler.not_acted_on} <= {"no"}
                assert handler.safe == all(f.acted_on == "no" for f in handler.failures)
                assert not (handler.safe and handler.maybe_acted_on)

    @pytest.mark.parametrize(("client", "cause", "safe"), RETRIES)
    def test_what_was_never_read_when_measured_is_no_promise(self, client: str, cause: str, safe: bool) -> None:
        causes = catching(client, SITE.of_client[client]).causes
        (found,) = (each for each in causes if cause in (each.names[0], each.names[-1]))
        assert found.safe is safe
        assert safe or found.maybe_acted_on


WRITTEN = {
    "a type of Python": ("python/socket", Link(type="OSError", message="", code="EPIPE"), "except OSError"),
    "a type of Java": ("java/socket", Link(type="java.io.IOException", message=""), "catch (java.io.IOException e)"),
    "a type of Go": ("go/net", Link(type="*net.OpError", message=""), "var e *net.OpError; errors.As(err, &e)"),
    "a value of Go": ("go/net", Link(type="*errors.errorString", message="", code="io.EOF"), "errors.Is(err, io.EOF)"),
    "a number of Go": ("go/net", Link(type="syscall.Errno", message="", code="EPIPE"), "errors.Is(err, syscall.EPIPE)"),
    "a code of Node": ("node/net", Link(type="Error", message="", code="EPIPE"), 'err.code === "EPIPE"'),
    "a type of Node": ("node/fetch", Link(type="TypeError", message=""), "err instanceof TypeError"),
}


@pytest.mark.parametrize(("client", "link", "code"), WRITTEN.values(), ids=WRITTEN)
def test_a_handler_is_written_as_the_language_does(client: str, link: Link, code: str) -> None:
    its = language(client)
    (name,) = its.names([link])
    assert its.written(name, [[link]]) == code


def test_go_looks_through_the_chain_and_python_does_not() -> None:
    chain = [Link(type="*net.OpError", message="read"), Link(type="syscall.Errno", message="reset", code="ECONNRESET")]
    assert language("go/net").names(chain) == ("*net.OpError", "syscall.ECONNRESET")
    assert language("python/socket").names(chain) == ("*net.OpError",)


def test_bases_of_the_standard_library_are_true() -> None:
    checked = 0
    for name, base in languages()["python"].bases.items():
        types = [standard_type(each) for each in (name, base)]
        if all(types):
            one, above = types
            assert issubclass(one, above), name
            checked += 1
    assert checked >= 15


def standard_type(name: str) -> type | None:
    """A type of Python itself; None for a library's."""
    module, _, attribute = name.rpartition(".")
    if module.partition(".")[0] in ("requests", "urllib3", "httpx", "aiohttp"):
        return None
    return getattr(importlib.import_module(module) if module else builtins, attribute)
