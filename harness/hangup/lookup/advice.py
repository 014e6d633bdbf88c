"""What follows from an answer: is a retry safe, what to do, and what would tell the candidates apart."""

from __future__ import annotations

from typing import NamedTuple

from hangup.lookup.index import Heard, Index, Text
from hangup.lookup.moment import Moment
from hangup.lookup.rank import Answer

CAPTURE = "tcpdump -i any -w end.pcap 'tcp port PORT'"
"""What to run while it happens again."""
LESSONS = 3
"""How many scenarios' lessons are given: what is taught of the fourth no longer helps who has one error."""

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
    return Advice(retry(index, cells), tuple(lessons)[:LESSONS], _apart(index, answer, cells))


def retry(index: Index, cells: list[Heard]) -> str:
    """Whether to send the request again, by what the peer had read where this was measured."""
    asked: dict[str, int] = {}
    for cell in cells:
        if cell.processed is not None:
            name = index.scenarios[cell.scenario].id
            asked[name] = max(cell.processed, asked.get(name, 0))
    if not asked:
        return ""
    unsafe = [name for name, processed in asked.items() if processed]
    if not unsafe:
        return "A retry is safe: the peer had not read the whole request."
    if len(unsafe) == len(asked):
        return "A retry may do it twice: the peer had read the whole request. Repeat only what is idempotent."
    safe = [name for name, processed in asked.items() if not processed]
    return (
        f"It depends: the peer had read the whole request in {_several(unsafe)}, and not in {_several(safe)}. "
        "Until you know which it was, repeat only what is idempotent."
    )


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


def texts_of(index: Index, cell: Heard) -> list[Text]:
    """All that was heard in a cell, whole texts before single links."""
    number = index.cells.index(cell)
    return sorted((text for text in index.texts if number in text.cells), key=lambda text: -len(text.lines))
