"""Which fragments of the index are in a text, and whether they are all that a line says. ``lookup.js`` has the same."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hangup.lookup.index import ERROR, FIELD, WORD, Index
from hangup.lookup.mask import TOKEN, Masker, fold

_MASKED = re.compile("^(?:errno|number|code|of)_")
"""What the masks put before a word."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""What would steer a terminal."""

_PREFIX = re.compile(
    r"[0-9]{2}:[0-9]{2}[0-9.,+:Z]*[\])]?[ |-]*$"  # a time
    r"|\b(?:TRACE|DEBUG|INFO|NOTICE|LOG|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)\b[^A-Za-z0-9]*$"
    r"|\]:? *$| [:|-] $"  # a thread, a process; a logger
    r"|^[A-Z]+:[A-Za-z0-9_.]+:$|^[A-Za-z0-9_.-]+: $|\b[a-z_]+\.[a-z]+:[0-9]+: $"  # Python's logger; a program; a source
    r"|\b(?:err|error|msg|message|exception)=[\"']?$"
)
"""With this ends what a log has before the words of an error; what ends otherwise belongs to the error."""
_ALARM = re.compile(
    r"[0-9]{2}:[0-9]{2}[0-9.,+:Z]*[\])]?[ |-]*$"  # a time
    r"|\b(?:WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)\b[^A-Za-z0-9]*$"
    r"|\b(?:err|error|cause|exception)[\"']?[=:] ?[\"']?$"
)
"""The same before one or two plain words: after a label or a thread these may be a state (``status: aborted``)."""
_LABEL = re.compile(r"[A-Za-z0-9_.-]+: ")
"""A name before the words of an error."""
_PREFIXED = 100
"""Characters: so much of what stands before is looked at."""


class Match(NamedTuple):
    """A fragment in the text."""

    excerpt: str
    """As it stands there."""
    own: bool
    """Whether it is all that a line says, but for a log's prefix."""
    whole: bool
    """The same, and no program's or class's name stands before it: whose attempts before are not known."""
    alarm: bool
    """Whether it is all that the text says, or stands behind what announces an error."""
    lines: set[int]
    """All lines that have it, by their numbers."""


Found = dict[int, Match]


def tells(index: Index, found: Iterable[int]) -> bool:
    """Whether there is an error among the fragments, and not only lines that stand around errors."""
    return any(index.fragments[number].kind for number in found)


def find(index: Index, text: str) -> Found:
    """The fragments in the text. Case counts, unless no error is found so. One or two plain words are an error only
    where they stand alone: anywhere else they are prose."""
    lines = Masker(index.masks).lines(text)
    kinds = [fragment.kind for fragment in index.fragments]
    words = {number: each.words for number, each in enumerate(index.fragments)}
    found = {n: match for n, match in _matches(words, lines).items() if kinds[n] != WORD or match.alarm}
    if tells(index, found):
        return found
    named = {number: fold(each.words) for number, each in enumerate(index.fragments) if ERROR <= kinds[number] < FIELD}
    return _matches(named, [(raw, fold(line)) for raw, line in lines])


def _matches(fragments: dict[int, str], lines: list[tuple[str, str]]) -> Found:
    by_words: defaultdict[str, list[int]] = defaultdict(list)
    by_first: defaultdict[str, list[str]] = defaultdict(list)
    for number, words in fragments.items():
        if words not in by_words:
            by_first[words.partition(" ")[0]].append(words)
        by_words[words].append(number)
    for candidates in by_first.values():
        candidates.sort(key=len, reverse=True)
    found: Found = {}
    seen: set[str] = set()
    for place, (raw, line) in enumerate(lines):
        if line in seen:
            continue
        seen.add(line)
        for words in [line] if line in by_words else _longest(by_first, line):
            for number in by_words[words]:
                if number not in found:
                    found[number] = _match(raw, line, words, alone=len(lines) == 1)
                found[number].lines.add(place)
    return found


def _longest(by_first: dict[str, list[str]], line: str) -> Iterator[str]:
    """The fragments in a line that do not lie within a longer one."""
    padded = line + " "
    start = reached = 0
    while start < len(padded):
        after = padded.index(" ", start)
        for words in by_first.get(padded[start:after], ()):
            if padded.startswith(words + " ", start):
                if start + len(words) > reached:
                    reached = start + len(words)
                    yield words
                break
        start = after + 1


def _match(raw: str, line: str, words: str, *, alone: bool) -> Match:
    """The words as they stand in the line, or the whole line where they cannot be found in it; nothing in it that a
    terminal would obey."""
    shown = _CONTROL.sub(" ", _COLOUR.sub("", raw))
    start, end = _place(fold(shown), [fold(_MASKED.sub("", word)) for word in words.split(" ")]) or (0, len(shown))
    before = shown[max(0, start - _PREFIXED) : start] if line.endswith(" " + words) else ""
    own = words == line or bool(before and _PREFIX.search(before))
    whole = own and not _LABEL.fullmatch(shown[:start])
    alarm = (words == line and alone) or bool(before and _ALARM.search(before))
    return Match(shown[start:end].strip(" "), own, whole, alarm, set())


def _place(line: str, words: list[str]) -> tuple[int, int] | None:
    """From the first of the words to where the last stands last."""
    start = end = _word(line, words[0], 0)
    while len(words) > 1 and start >= 0 and (further := _word(line, words[-1], end + 1)) >= 0:
        end = further
    return None if start < 0 or (len(words) > 1 and end == start) else (start, end + len(words[-1]))


def _word(line: str, word: str, start: int) -> int:
    """Where a word begins in a line, from a place on: a whole one, and not within another. -1 where it does not."""
    while (start := line.find(word, start)) >= 0:
        before, after = line[start - 1 : start], line[start + len(word) : start + len(word) + 1]
        if not (TOKEN.match(before) or TOKEN.match(after)):
            return start
        start += 1
    return -1
