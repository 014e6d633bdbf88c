"""No text is slow to mask: whoever pastes a log has an answer, and a tab of the browser does not freeze.

A mask that begins anywhere and looks far ahead from everywhere costs the square of a line's length. The clock is no
witness of that on a busy machine; so the steps of a backtracking matcher are counted, which Python's and JavaScript's
both are: four times the text must not cost more than about four times the steps.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hangup.lookup.mask import read_masks

# ``re`` has no public parser; its tree alone tells what a pattern does without guessing at its text.
parse: Callable[[str], Any] = re._parser.parse  # type: ignore[attr-defined]
Next = Callable[[int], int | None]

SHORT, LONG = 100, 400
"""Characters: the bounds of a repeat are below the first, so that a bounded one costs the same for each of both."""
MOST = 6
"""How many times the steps of the short text the long one may cost; what is quadratic costs sixteen times."""
SEEDS = [
    "DE-", "a.", "a-", "A+", "a", "1", "1.", "-", "_.", ":", "a:1", "/", "a/", "\\", " ", "e1", "Error", "err ", "1/",
    "1;", ",1", "EA a", "node:/", "@abcde", "url: /", "https://", "java.net.A", "code 10054 ",
]  # fmt: skip
HEADS = ["", 'File "', 'thread "', "host='", "[", "lookup ", "errno=", "SHVN "]
"""What a mask may begin with, before the text that repeats."""


class Steps:
    """Counts what a backtracking matcher tries. It knows as much of regular expressions as the masks use."""

    def __init__(self, pattern: str) -> None:
        self.tree = list(parse(pattern))
        self.count = 0
        self._text = ""

    def taken(self, text: str) -> int:
        """How many steps finding all matches takes."""
        self.count = 0
        self.spans(text)
        return self.count

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where it matches, found by trying each place in turn."""
        self._text, spans, start = text, [], 0
        while start <= len(text):
            end = self._items(self.tree, start, lambda end: end)
            if end is not None:
                spans.append((start, end))
            start = end if end is not None and end > start else start + 1
        return spans

    def _items(self, items: list[Any], at: int, then: Next) -> int | None:
        if not items:
            return then(at)
        self.count += 1
        (name, value), rest = items[0], items[1:]
        match str(name):
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inner = value
                return self._repeat(list(inner), (least, int(most)), str(name) == "MIN_REPEAT", at, rest, then)
            case "BRANCH":
                ways = (self._items([*way, *rest], at, then) for way in value[1])
                return next((end for end in ways if end is not None), None)
            case "SUBPATTERN":
                return self._items([*value[3], *rest], at, then)
            case "ASSERT" | "ASSERT_NOT":
                seen = self._items(list(value[1]), at, lambda end: end) is not None
                return self._items(rest, at, then) if seen == (str(name) == "ASSERT") else None
            case "AT":
                return self._items(rest, at, then) if self._at(str(value), at) else None
            case _:
                return self._items(rest, at + 1, then) if self._one(name, value, at) else None

    def _repeat(
        self, inner: list[Any], times: tuple[int, int], lazy: bool, at: int, rest: list[Any], then: Next
    ) -> int | None:
        least, most = times
        if len(inner) == 1 and str(inner[0][0]) in ("IN", "LITERAL", "NOT_LITERAL"):
            reach = at
            while reach - at < most and self._one(*inner[0], reach):
                self.count += 1
                reach += 1
            ends = range(at + least, reach + 1)
            tried = (self._items(rest, end, then) for end in (ends if lazy else reversed(ends)))
            return next((end for end in tried if end is not None), None)
        ways: list[Callable[[], int | None]] = []
        if most:
            ways.append(
                lambda: self._items(inner, at, lambda end: self._again(inner, times, lazy, (at, end), rest, then))
            )
        if not least:
            ways.append(lambda: self._items(rest, at, then))
        ended = (way() for way in (reversed(ways) if lazy else ways))
        return next((end for end in ended if end is not None), None)

    def _again(
        self,
        inner: list[Any],
        times: tuple[int, int],
        lazy: bool,
        reached: tuple[int, int],
        rest: list[Any],
        then: Next,
    ) -> int | None:
        start, at = reached
        left = max(times[0] - 1, 0), times[1] - 1
        return None if at == start else self._repeat(inner, left, lazy, at, rest, then)

    def _at(self, where: str, at: int) -> bool:
        if where == "AT_BOUNDARY":
            return self._word(at - 1) != self._word(at)
        return at == 0 if where == "AT_BEGINNING" else at == len(self._text)

    def _word(self, at: int) -> bool:
        return 0 <= at < len(self._text) and re.fullmatch(r"[A-Za-z0-9_]", self._text[at]) is not None

    def _one(self, name: Any, value: Any, at: int) -> bool:
        if at >= len(self._text):
            return False
        letter = ord(self._text[at])
        if str(name) != "IN":
            return (letter == value) == (str(name) == "LITERAL")
        ranges = [(each if str(kind) == "RANGE" else (each, each)) for kind, each in value if str(kind) != "NEGATE"]
        return any(low <= letter <= high for low, high in ranges) == (str(value[0][0]) != "NEGATE")


@pytest.fixture(autouse=True)
def deep() -> Iterator[None]:
    """A group that repeats takes some frames of Python's each time."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(before)


def nasty(length: int) -> list[str]:
    """Texts that make a careless pattern look far ahead again and again."""
    return [(head + seed * length)[:length] for head in HEADS for seed in SEEDS]


@pytest.mark.parametrize("pattern", [pattern for pattern, _replacement in read_masks()])
def test_a_mask_costs_in_proportion_to_the_text(pattern: str) -> None:
    steps = Steps(pattern)
    costs: dict[str, tuple[int, int]] = {}
    for short, long in zip(nasty(SHORT), nasty(LONG), strict=True):
        costs[short] = steps.taken(short), steps.taken(long)
    assert {text[:12]: cost for text, cost in costs.items() if cost[1] > MOST * cost[0]} == {}


@pytest.mark.parametrize("pattern", [pattern for pattern, _replacement in read_masks()])
def test_the_steps_are_those_of_a_matcher(pattern: str) -> None:
    """What is counted is what happens: the same places are found as by ``re``."""
    for text in [
        *nasty(40),
        'File "a/b/c.py", x',
        "at java.base/java.net: 10.0.0.1:80 a.b:80 http://x/y errno: 104 SH-- end",
    ]:
        assert Steps(pattern).spans(text) == [found.span() for found in re.finditer(pattern, text, re.ASCII)], text


@pytest.mark.parametrize(
    "careless", [r"\b[a-z][a-z.-]*://", r'"[^"]*?([^"/]*/[^"/]*)"', r"\b[a-z-]+(?:\.[a-z-]+)+:[0-9]"]
)
def test_what_looks_far_ahead_from_everywhere_is_noticed(careless: str) -> None:
    steps = Steps(careless)
    texts = zip(nasty(SHORT), nasty(LONG), strict=True)
    assert any(steps.taken(long) > MOST * steps.taken(short) for short, long in texts)
