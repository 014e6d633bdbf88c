"""A quick first look at a block: which connections lie wholly in it and plainly ended in one of two ways.

In order: from SYN to the last ACK, each side's numbers without a gap, no RST, no window of zero, one FIN each, both
acknowledged, no pause of a second before the first FIN; where the responder closed first, it had spoken last, and,
of an HTTP answer, said all that it had announced. Or aborted by the originator when it had its whole
answer: the same, but for a RST of its own in the place of all FINs, which is the commonest RST of all (Arlitt and
Williamson 2005).

Of these nothing more is to be said than that they are `orderly-close`, or a harmless `application-abort`. So they are
counted, and only the rest is looked at segment by segment. The tests compare what comes of it with what comes without.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hangup.diagnose.arrays import np
from hangup.diagnose.look import SECOND, Look
from hangup.diagnose.records import ALERT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hangup.diagnose.blocks import Block

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_FEW = 14
"""Of a TLS connection with fewer segments than this, a failed handshake is likely: it is looked at closely."""

_ANSWER = re.compile(
    rb"HTTP/1\.[01] (?!1\d\d|204|304)\d{3}[ \r](?:[^\r]|\r(?!\n\r\n))*?\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n"
    rb"(?:(?:[^\r]|\r(?!\n\r\n))*?\r\n)??\r\n",
    re.IGNORECASE,
)  # fmt: skip


class Plain(NamedTuple):
    """The connections of a block that plainly ended, an element each."""

    group: Ints
    opened: Ints
    """The row of the SYN."""
    answered: Ints
    """The row of the SYN+ACK."""
    closed: Ints
    """The row of the responder's FIN, where it was the first; else -1."""
    aborted: Mask
    """By the originator."""

    def but(self, other: Mask) -> Plain:
        """Without some of them."""
        return Plain._make(column[~other] for column in self)


def skim(look: Look) -> Plain:
    """The connections that plainly ended: all conditions together."""
    if not len(look.rows.place):
        nothing = np.zeros(0, dtype=np.int64)
        return Plain(nothing, nothing, nothing, nothing, nothing > 0)
    candidates = np.flatnonzero(_clean(look))
    fins, resets = look.count(look.fin), look.count(look.rst)
    last_data = look.last(look.size > 0)
    responder_last = (last_data >= 0) & ~look.own[np.maximum(last_data, 0)]
    first_fin = look.first(look.fin)
    late = look.count(look.forgotten & (look.index > first_fin[look.groups.number])) > 0
    own_fins = look.count(look.fin & look.own)
    in_order = (fins[candidates] == 2) & (own_fins[candidates] == 1) & (resets[candidates] == 0)
    in_order &= _at_once(look, np.where(in_order, first_fin[candidates], 0)) & _fins_last(look)[candidates]
    responder_first = in_order & ~look.own[np.where(in_order, first_fin[candidates], 0)]
    aborted = (resets[candidates] == 1) & (fins[candidates] == 0) & responder_last[candidates]
    aborted &= _reset_last(look, candidates)
    established = look.count(look.own & look.has_ack & ~look.rst & (look.upto > 0)) > 0
    aborted &= established[candidates]
    fine = ~late[candidates] & ((in_order & ~(responder_first & ~responder_last[candidates])) | aborted)
    fine &= _nothing_of_tls(look, candidates, ~(in_order & ~responder_first) | (resets[candidates] > 0))
    doubtful = candidates[fine & (responder_first | aborted)]
    cut = np.zeros(len(look), dtype=bool)
    cut[_answers_cut(look, doubtful)] = True
    fine &= ~cut[candidates]
    kept = candidates[fine]
    order = look.groups.order
    closed = np.where(responder_first[fine], order[np.where(responder_first[fine], first_fin[kept], 0)], -1)
    return Plain(kept, order[look.groups.start[kept]], order[look.answer[kept]], closed, aborted[fine])


def _clean(look: Look) -> Mask:
    """From its SYN on neither side's numbers have a gap, and the last ones are acknowledged.

    Numbers are relative to each side's SYN. What was sent again does no harm; payload in the SYN's own number says
    nothing, and is for others to judge.
    """
    before, reach = look.reaches
    opening, final, start = look.opening, look.final, look.groups.start
    good = look.groups.one & (look.window > 0) & (look.has_ack ^ opening) & (look.begin <= before)
    good &= (look.begin > 0) | (look.size == 0)
    good &= ~look.answered | (look.upto <= look.acked)
    fine = look.every(good) & look.syn[start] & (look.count(look.syn) == 2) & look.syn[look.answer]
    fine &= look.answer != start
    fine &= look.answered[final] & (look.end[final] == look.begin[final]) & (look.begin[final] == reach[final])
    other = np.maximum(look.other[final], 0)
    whole: Mask = fine & (look.upto[final] == reach[other]) & (look.upto[other] == reach[final])
    return whole & ~look.own[look.answer]


def _at_once(look: Look, row: Ints) -> Mask:
    """Less than a second after the segment before."""
    short: Mask = look.time[row] - look.time[np.maximum(row - 1, 0)] < SECOND
    return short


def _fins_last(look: Look) -> Mask:
    """Of each group: no side sent anything new behind its FIN."""
    fin = np.flatnonzero(look.fin)
    group = look.groups.number[fin]
    final = look.final[group]
    last = np.where(look.own[fin] == look.own[final], final, np.maximum(look.other[final], 0))
    fine = np.ones(len(look), dtype=bool)
    fine[group[look.end[fin] != look.reaches[1][last]]] = False
    return fine


def _reset_last(look: Look, groups: Ints) -> Mask:
    """The originator's RST is the last segment, acknowledges all, and bears the marks of its other segments."""
    final, own, ttl = look.final[groups], look.own, look.rows.ttl
    order = look.groups.order
    before = np.maximum.accumulate(np.where(own, look.index, -1))[np.maximum(final - 1, 0)]
    same = ttl[order[final]] == ttl[order[look.groups.start[groups]]]
    last: Mask = look.rst[final] & own[final] & same & (look.window[final] <= look.window[before])
    return last & _at_once(look, final)


def _nothing_of_tls(look: Look, groups: Ints, records_matter: Mask) -> Mask:
    """Of these groups: no TLS, or so much of it that the handshake was over, no alert in the clear, and the end one at
    which it does not matter whether the last record was whole."""
    block, rows, order = look.block, look.rows, look.groups.order
    raw = np.frombuffer(block.data, dtype=np.uint8)
    of_group = np.zeros(len(look), dtype=bool)
    of_group[groups] = True
    row = np.flatnonzero((look.size > 0) & of_group[look.groups.number])
    in_block = order[row]
    at, place = rows.payload[in_block], rows.place[in_block]
    there = at + 2 <= block.start[place] + block.captured[place]
    at = np.where(there, at, 0)
    kind = raw[at]
    tls = there & (raw[at + 1] == 3) & (kind >= 20) & (kind <= 24)
    if not tls.any():
        return np.ones(len(groups), dtype=bool)
    spoken, alert = np.zeros(len(look), dtype=bool), np.zeros(len(look), dtype=bool)
    spoken[look.groups.number[row[tls]]] = True
    alert[look.groups.number[row[tls & (kind == ALERT)]]] = True
    doubtful: Mask = alert[groups] | (spoken[groups] & (records_matter | (look.groups.size[groups] < _FEW)))
    return ~doubtful


def _answers_cut(look: Look, groups: Ints) -> list[int]:
    """Of these groups, those whose HTTP answer lacks something, or may; `Messages` is who looks closely."""
    if not len(groups):
        return []
    block, rows = look.block, look.rows
    theirs = ~look.own & (look.size > 0)
    first = look.first(theirs)[groups]
    total = np.add.reduceat(np.where(theirs, look.size, 0), look.groups.start, dtype=np.int64)[groups]
    there = first < len(theirs)
    groups, first, total = groups[there], first[there], total[there]
    row = look.groups.order[first]
    frame = rows.place[row]
    at, end = rows.payload[row], block.start[frame] + block.captured[frame]
    kept = _begins(block, at, end, b"HTTP/1.")
    data = block.data
    asked = zip(*(column[kept].tolist() for column in (groups, at, end, look.size[first], total)), strict=True)
    return [group for group, at, end, size, sent in asked if not _whole(data, at, end, size, sent)]


def _begins(block: Block, at: Ints, end: Ints, text: bytes) -> Mask:
    """Of each place: this text stands there, as far as it was captured."""
    raw = np.frombuffer(block.data, dtype=np.uint8)
    inside = at + len(text) <= end
    shown = raw[np.where(inside, at, 0)[:, None] + np.arange(len(text))]
    same: Mask = (shown == np.frombuffer(text, dtype=np.uint8)).all(axis=1)
    return inside & same


def _whole(data: memoryview, at: int, end: int, size: int, sent: int) -> bool:
    """The answer that begins `at` is of the length that it announces; or its head was not captured, and nobody knows.

    `end`: of what was captured of its first segment; `size`: of that segment's payload; `sent`: of all payload.
    """
    head = _ANSWER.match(data, at, end)
    if head is not None:
        return int(head[1]) == sent - (head.end() - at)
    return end - at < size and b"\r\n\r\n" not in bytes(data[at:end])
