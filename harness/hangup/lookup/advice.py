"""What follows from an answer: is a retry safe, what to do, and what would tell the candidates apart."""

from __future__ import annotations

from typing import NamedTuple

from hangup.lookup.index import Heard, Index
from hangup.lookup.moment import UNSENT, Moment
from hangup.lookup.rank import Answer

CAPTURE = "tcpdump -i any -w end.pcap 'tcp port PORT'"
"""What to run while it happens again."""
LESSONS = 3
"""How many scenarios' lessons are given: what is taught of the fourth no longer helps who has one error."""
PLAUSIBLE = 0.5
"""The share of the best score from which on a scenario may be meant as well, where a retry is judged."""

_REFUSED = "refused"
_SILENCE = frozenset({"timeout", "hang"})
"""Outcomes after which the peer may still be reading, or at work."""
_PROMISED = frozenset({"h2-rst-stream-refused"})
"""Scenarios in which the peer itself says that it did nothing: REFUSED_STREAM, RFC 9113 section 8.7."""
_SILENT = "whoever stops waiting cannot know what the peer has read, or still does"
_NO_PROMISE = "that is no promise for yours"

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
    """Sentences, each for a line."""

    retry: str
    lessons: tuple[str, ...]
    apart: tuple[str, ...]


def advise(index: Index, answer: Answer) -> Advice:
    """What to do about the scenarios that explain the text best."""
    best = [ranked for ranked in answer.scenarios if ranked.score == answer.scenarios[0].score]
    cells = [index.cells[number] for ranked in best for number in ranked.cells]
    places = {place.id: place for place in index.scenarios}
    lessons = dict.fromkeys(lesson for ranked in best if (lesson := places[ranked.scenario].teaches))
    return Advice(retry(index, answer), tuple(lessons)[:LESSONS], _apart(index, answer, cells))


def retry(index: Index, answer: Answer) -> str:
    """Whether to send the request again, by what the peer had read in every scenario that may be meant.

    What was never read where it was measured promises nothing of a request that was sent: only where none can have been
    read, and the text is more than a hint, it is called safe.
    """
    least = PLAUSIBLE * answer.scenarios[0].score
    plausible = [ranked for ranked in answer.scenarios if ranked.score >= least]
    cells = [index.cells[number] for ranked in plausible for number in ranked.cells]
    known = [cell for cell in cells if cell.processed is not None]
    if not known:
        return ""
    if unsafe := [cell for cell in known if cell.processed]:
        return _processed(index, unsafe, [cell for cell in known if not cell.processed])
    sent = [cell for cell in cells if not _unsent(index, cell)]
    if not sent and answer.confidence != "possible":
        return "A retry is safe: no request had been read, nor can one have been."
    measured = all(index.speakers[cell.speaker].source is None for cell in cells)
    say, one = ("say", "says") if answer.confidence == "exact" and measured else ("may explain", "may explain")
    number = len({cell.scenario for cell in known})
    endings = f"the {number} endings measured that {say}" if number > 1 else f"the one ending measured that {one}"
    why = _SILENT if any(cell.outcome in _SILENCE for cell in sent) else _NO_PROMISE
    return f"The request was not read whole in {endings} this, but {why}: repeat only what is idempotent."


def told_of(cells: list[Heard]) -> str:
    """The same of one cell, whose ending is known: a fact of what was measured, and no promise."""
    asked = {bool(cell.processed) for cell in cells if cell.processed is not None}
    if not asked:
        return ""
    if asked == {False}:
        return "It was not processed here: the peer had not read the whole request."
    times = "here" if asked == {True} else "in some of the trials here"
    return f"It was processed {times}: the peer had read the whole request. Repeat only what is idempotent."


def _processed(index: Index, unsafe: list[Heard], safe: list[Heard]) -> str:
    names = dict.fromkeys(index.scenarios[cell.scenario].id for cell in unsafe)
    others = {index.scenarios[cell.scenario].id: None for cell in safe}.keys() - names.keys()
    if not others:
        return "A retry may do it twice: the peer had read the whole request. Repeat only what is idempotent."
    not_read = dict.fromkeys(name for cell in safe if (name := index.scenarios[cell.scenario].id) in others)
    return (
        f"It depends: the peer had read the whole request in {_several(list(names))}, and not in "
        f"{_several(list(not_read))}. Until you know which it was, repeat only what is idempotent."
    )


def _unsent(index: Index, cell: Heard) -> bool:
    """Whether it can only mean that no request was carried out. Whoever is refused was connecting, at whatever moment
    of the whole scenario."""
    place = index.scenarios[cell.scenario]
    return place.moment in UNSENT or cell.outcome == _REFUSED or place.id in _PROMISED


def _apart(index: Index, answer: Answer, cells: list[Heard]) -> tuple[str, ...]:
    said: list[str] = []
    best = [ranked for ranked in answer.endings if ranked.score == answer.endings[0].score]
    if len(best) > 1:
        said.append(f"Capture it: `{CAPTURE}`, then `hangup diagnose end.pcap`.")
    moments = list(dict.fromkeys(ranked.moment for ranked in best))
    if len(moments) > 1:
        said += [_QUESTIONS[moment] for moment in moments if moment in _QUESTIONS]
    clients = {cell.speaker for cell in cells}
    if len(clients) > 1:
        names = sorted(index.speakers[number].name for number in clients)
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
        if (index.speakers[cell.speaker].name, index.scenarios[cell.scenario].id) == (client, scenario)
    ]


def texts_of(index: Index, cell: Heard) -> list[str]:
    """All that was heard in a cell, each once, whole texts before single links."""
    number = index.cells.index(cell)
    texts = sorted((text for text in index.texts if number in text.cells), key=lambda text: -len(text.lines))
    return list(dict.fromkeys(text.shown for text in texts))
