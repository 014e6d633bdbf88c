"""What follows from an answer: is a retry safe, what to do, and what would tell the candidates apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from hangup.lookup.index import Heard, Index, Place
from hangup.lookup.moment import Moment
from hangup.lookup.rank import Answer
from hangup.outcome import ActedOn

CAPTURE = "tcpdump -i any -w end.pcap 'tcp port PORT'"
"""What to run while it happens again."""
LESSONS = 3
"""How many scenarios' lessons are given: what is taught of the fourth no longer helps who has one error."""
Retry = Literal["safe", "idempotent-only", "unknown"]
"""Whether to send the request again."""

_SILENCE = frozenset({"timeout", "hang"})
"""Outcomes after which the peer may still be reading, or at work."""
_MAYBE = "The request may have been acted on"
_SENT = "What was sent before may have been acted on"
_IDEMPOTENT = "repeat only what is idempotent"
_REPEAT = "Repeat only what is idempotent"
_SAFE = re.compile(r"\bretry\b[^.]* is safe\b|\bmay be sent again\b")
"""A lesson's words for it."""
_TOLD: dict[str, str] = {
    ActedOn.YES: f"The request was acted on here. {_REPEAT}.",
    ActedOn.NO: "The request was not acted on here.",
    ActedOn.MAYBE: f"The request may have been acted on here. {_REPEAT}.",
}

_QUESTIONS: dict[str, str] = {
    Moment.CONNECTING: "Was there a connection at all? If not, no request was sent: look at the listener.",
    Moment.HANDSHAKE: "Did TLS come about? If not, no request was sent.",
    Moment.REQUEST: "Does the server's log know the request? If not, it was not read whole.",
    Moment.RESPONSE: "Does the server's log show the request begun and not answered?",
    Moment.HEAD: "Had the first bytes of the response arrived?",
    Moment.BODY: "Had a part of the body arrived? The client's log, or the length that it counted, tells.",
    Moment.COMPLETE: "Was the response complete, and the error only at the end of it?",
    Moment.IDLE: "Was it the first request on its connection? If not, how long had that been idle? A "
    "round number of seconds is somebody's idle timeout.",
    Moment.READ: "Was it a read that failed?",
    Moment.WRITE: "Was it a write that failed? The first write after the end still succeeds.",
}
"""By moment: what to ask, where several moments are possible."""


class Advice(NamedTuple):
    """What follows. The texts are sentences, each for a line."""

    what: str
    """What is known of the request."""
    acted_on: ActedOn
    retry: Retry
    lessons: tuple[str, ...]
    apart: tuple[str, ...]


def advise(index: Index, answer: Answer) -> Advice:
    """What to do about the scenarios that explain the text best; of an unknown text nothing is known."""
    cells = [index.cells[number] for number in answer.ways]
    acted_on = _acted_on(index, answer, cells)
    known = any(cell.acted_on for cell in cells)
    retry: Retry = "safe" if acted_on is ActedOn.NO else "idempotent-only" if known else "unknown"
    teaches = (place.teaches or "" for place in _places(index, cells))
    lessons = dict.fromkeys(filter(None, teaches if retry == "safe" else map(_without_safe, teaches)))
    what = _what(index, answer, cells, acted_on) if known else ""
    return Advice(what, acted_on, retry, tuple(lessons)[:LESSONS], _apart(index, answer, cells))


def _without_safe(lesson: str) -> str:
    """Without the sentences that call a retry safe: true of their scenario, and the text may come of another one."""
    return " ".join(sentence for sentence in re.split(r"(?<=[.!?])\s+", lesson) if not _SAFE.search(sentence))


def _acted_on(index: Index, answer: Answer, cells: list[Heard]) -> ActedOn:
    """``no`` where every measured and documented way to this text is ``no``, and ``maybe`` else: that the request was
    acted on in all that was measured does not tell that it was in another case. Of a client that sends requests again
    by itself the text tells of the last attempt alone.

    A part of a line may belong to any text, and the operating system's words are passed on by any program, after
    attempts of its own too.
    """
    told = answer.whole and not answer.system and answer.confidence != "possible"
    never = all(cell.acted_on == ActedOn.NO and not index.speakers[cell.speaker].repeats for cell in cells)
    return ActedOn.NO if cells and told and never else ActedOn.MAYBE


def _what(index: Index, answer: Answer, cells: list[Heard], acted_on: ActedOn) -> str:
    if not answer.endings:
        if acted_on is ActedOn.NO:
            return "Nothing happened on the wire: no request was sent. A retry is safe."
        if answer.confidence == "possible" and any(cell.scenario is not None for cell in cells):
            return f"{_MAYBE}: the text does not tell. {_REPEAT}."
        return f"The text names nothing that happened on the wire. {_SENT}: {_IDEMPOTENT}."
    if acted_on is ActedOn.NO:
        return "A retry is safe: no request was acted on, in any way to this text that is measured or documented."
    if any(cell.outcome in _SILENCE for cell in cells):
        return f"{_MAYBE}: who stops waiting does not know what the server has read, or still does. {_REPEAT}."
    yes = [cell for cell in cells if cell.acted_on == ActedOn.YES]
    acted = dict.fromkeys(place.id for place in _places(index, yes))
    if acted:
        return f"{_MAYBE}. It was in {_several(list(acted))}, where this was measured. {_REPEAT}."
    return f"{_MAYBE}: the text does not tell. {_REPEAT}."


def told_of(cells: list[Heard]) -> str:
    """The same of one cell, whose ending is known: a fact of what was measured, and no promise."""
    return next((_TOLD[cell.acted_on] for cell in cells if cell.acted_on), "")


def _places(index: Index, cells: Iterable[Heard]) -> list[Place]:
    return [index.scenarios[cell.scenario] for cell in cells if cell.scenario is not None]


def _apart(index: Index, answer: Answer, cells: list[Heard]) -> tuple[str, ...]:
    said: list[str] = []
    best = [ranked for ranked in answer.endings if ranked.score == answer.endings[0].score]
    if len(best) > 1:
        said.append(f"Capture it: `{CAPTURE}`, then `hangup diagnose end.pcap`.")
    moments = list(dict.fromkeys(ranked.moment for ranked in best))
    if len(moments) > 1:
        said += [_QUESTIONS[moment] for moment in moments if moment in _QUESTIONS]
    names = sorted({index.speakers[cell.speaker].name for cell in cells})
    if len(names) > 1:
        said.append(f"Which of {_several(names)} is it? The frames of the whole stack trace name the library.")
    return tuple(said)


def _several(names: list[str], most: int = 4) -> str:
    more = len(names) - most
    shown = names[:most] + ([f"{more} more"] if more > 0 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def cells_of(index: Index, client: str, scenario: str) -> list[Heard]:
    """The other direction: what was heard of a client in a scenario; several where its trials differ."""
    return [
        cell
        for cell in index.cells
        if cell.scenario is not None
        and (index.speakers[cell.speaker].name, index.scenarios[cell.scenario].id) == (client, scenario)
    ]


def texts_of(index: Index, cell: Heard) -> list[str]:
    """All that was heard in a cell, each once, whole texts before single links."""
    number = index.cells.index(cell)
    texts = sorted((text for text in index.texts if number in text.cells), key=lambda text: -len(text.lines))
    return list(dict.fromkeys(text.shown for text in texts))
