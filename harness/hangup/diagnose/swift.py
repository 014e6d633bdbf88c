"""The swift way through a large capture: what plainly ended is only counted, what is alike is judged together, and the
rest goes to the engine.

A block is looked at alone, while the one before is still being worked on (`_ahead`). Its connections that plainly ended
are done with. Of the others the frames are kept (`Waiting`), until they have ended, and nothing more has come of them
for a while; each new block is asked first whether it has more of them. Whatever is out of the ordinary goes to the
engine, segment by segment, and with it all that comes of it later.

It leaves the same findings of trouble as the plain way (`stream.findings`), numbered alike, and knows of the others
only how many there were.
"""

from __future__ import annotations

import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from heapq import merge
from typing import TYPE_CHECKING, NamedTuple

from hangup.diagnose.alike import Shapes, members, outline
from hangup.diagnose.arrays import among, np
from hangup.diagnose.blocks import KEPT, by_link
from hangup.diagnose.cases import SETTLED_NS
from hangup.diagnose.columns import key_of
from hangup.diagnose.finding import conclude
from hangup.diagnose.known import Known
from hangup.diagnose.likeness import fits
from hangup.diagnose.look import Look
from hangup.diagnose.replay import Replay
from hangup.diagnose.skim import skim
from hangup.diagnose.telling import ANSWERED, ENDED, Later
from hangup.diagnose.waiting import Held, Waiting, parts
from hangup.wire import LINK_TYPES, Flags, Segment, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from hangup.diagnose.alike import Member, Shape
    from hangup.diagnose.blocks import Block
    from hangup.diagnose.case import Case
    from hangup.diagnose.engine import Engine
    from hangup.diagnose.finding import Outline
    from hangup.diagnose.skim import Plain

    Ints = NDArray[np.int64]
    Keys = NDArray[np.uint64]
    Mask = NDArray[np.bool_]

_SYN, _OPENING = np.uint8(Flags.SYN), np.uint8(Flags.SYN | Flags.ACK)
_SWITCH = 0.0003
"""Seconds after which a thread that waits for the interpreter gets it. numpy needs it between any two of its steps,
which take about as long; the usual 5 ms would keep the thread that looks ahead waiting while this one is at work."""


class Counted(NamedTuple):
    """What was not looked at closely."""

    orderly: int = 0
    aborted: int = 0
    """By the originator, when it had its whole answer."""


def _ahead(blocks: Iterable[Block]) -> Iterator[tuple[Look, Plain]]:
    """Each block, looked at, by another thread: numpy lets this one work on the block before meanwhile."""
    iterator = iter(blocks)
    sys.setswitchinterval(_SWITCH)
    with ThreadPoolExecutor(1) as pool:
        coming = deque(pool.submit(_look_at_next, iterator) for _ in range(KEPT))
        while (looked_at := coming.popleft().result()) is not None:
            coming.append(pool.submit(_look_at_next, iterator))
            yield looked_at


def _look_at_next(blocks: Iterator[Block]) -> tuple[Look, Plain] | None:
    block = next(blocks, None)
    if block is None:
        return None
    look = Look(block)
    return look, skim(look)


class _Second:
    """The second look at a block: at the connections of which it alone does not tell all."""

    def __init__(self, fresh: int, pulled: list[Held]) -> None:
        self.fresh = fresh
        """The block's first number: frames from there on were not told of."""
        self.pulled = {held.member.key: held for held in pulled}
        """Of which the block has more."""
        self.found: list[tuple[Member, Shape | None, Held | None]] = []
        """What is to wait, and what it was before."""


class Swift:
    """Feeds an engine block by block."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        engine.around = self._around = Later()
        self._waiting = Waiting(engine.max_memory // 4)
        self._shapes = Shapes()
        self._close, self._skimmed = Known(), Known()
        """What was looked at closely, and may go on; what was not, and of which something may come late."""
        self.counted = Counted()

    def findings(self, blocks: Iterable[Block], *, full: bool = True) -> Iterator[Outline]:
        """Of all connections that were not only counted. `full`: findings with evidence and scenarios, not outlines."""
        for look, plain in _ahead(blocks):
            self._feed(look, plain, full=full)
            yield from self._settled(look.block, full=full)
        yield from self._rest(full=full)

    def _settled(self, block: Block, *, full: bool) -> Iterator[Outline]:
        engine, until_ns = self._engine, self._engine.counts.last_ns
        settled: list[Case | Held] = [*engine.cases.settled(), *self._waiting.settled(until_ns - SETTLED_NS)]
        ends = [one.member.end_ns if isinstance(one, Held) else one.last_ns for one in settled]
        times = np.maximum.accumulate(block.time_ns)
        known = np.minimum(np.searchsorted(times, np.array(ends, dtype=np.int64) + SETTLED_NS), len(times) - 1)
        numbers, clock = block.number[known].tolist(), times[known].tolist()
        for place in sorted(range(len(settled)), key=ends.__getitem__):
            one = settled[place]
            self._around.as_of = numbers[place]
            if isinstance(one, Held):
                yield self._outline(one, clock[place])
            else:
                yield conclude(one, engine.around, clock[place], match=full)
        self._around.as_of, self._around.done = sys.maxsize, int(block.number[-1])

    def _rest(self, *, full: bool) -> Iterator[Outline]:
        """All that are left, in the order of their first segments."""
        engine, until_ns = self._engine, self._engine.counts.last_ns
        replay = Replay()
        rest = self._waiting.rest()
        shaped = [held for held in rest if held.shape is not None]
        still = {held.member.key: held for held in rest if held.shape is None}
        for block in by_link(parts(still.values())):
            look = Look(block)
            found = members(look, np.arange(len(look)))
            shapes = self._shapes.of(look, found) if not full else [None] * len(found)
            for member, shape in zip(found, shapes, strict=True):
                if shape is None:
                    replay.held(still[member.key])
                else:
                    shaped.append(Held(member, shape, still[member.key].stream))
        self._replay(replay, np.zeros(0, dtype=np.int64))
        shaped.sort(key=lambda held: held.stream)
        cases = (conclude(case, engine.around, until_ns, match=full) for case in engine.cases.rest())
        outlines = (self._outline(held, until_ns) for held in shaped)
        yield from merge(outlines, cases, key=lambda finding: finding.stream)

    def _outline(self, held: Held, until_ns: int) -> Outline:
        assert held.shape is not None
        return outline(held.shape, held.member, held.stream, self._engine.around, until_ns)

    def _feed(self, look: Look, plain: Plain, *, full: bool) -> None:
        block, key = look.block, look.groups.key
        end_ns = int(block.time_ns[-1])
        self._skimmed.forget(int(block.time_ns[0]) - SETTLED_NS)
        self._count(look)
        replay = Replay()
        strange = self._strange(look, replay)
        gone = self._waiting.overflow() + self._waiting.take(strange)
        for held in gone:
            replay.held(held)
        closely = np.sort(np.array([*strange, *(held.member.key for held in gone)], dtype=np.uint64))
        close = self._close.has(key) | among(key, closely)
        waited = self._waiting.known(key.tolist())
        waits = among(key, np.sort(np.array(waited, dtype=np.uint64)))
        plain = plain.but((close | waits)[plain.group])
        opens = np.zeros(len(key), dtype=bool)
        opens[look.groups.number[np.flatnonzero(look.rows.flags[look.groups.order] & _OPENING == _SYN)]] = True
        late = np.flatnonzero(~(close | waits | opens))
        passed = np.zeros(len(key), dtype=bool)
        passed[late] = self._skimmed.has(key[late], look.first_ns[late])  # it changes nothing
        passed[plain.group] = True
        replay.add(block, look.places(close))
        self._close.add(end_ns, np.concatenate([closely, key[close]]))
        self._done(look, plain)
        self._around.together(look, ANSWERED, plain.answered, plain.opened)
        second = _Second(int(block.number[0]), self._waiting.take(waited))
        opened = [look.numbers(plain.opened)]
        seams = by_link([block.part(look.places(~passed & ~close)), *parts(second.pulled.values())])
        opened += [self._look_again(Look(seam), second, replay, full=full) for seam in seams]
        self._hold(second, np.sort(np.concatenate(opened)), replay, look)

    def _strange(self, look: Look, replay: Replay) -> list[int]:
        """The keys of what is no plain TCP, and yet of a connection. The engine is to have such frames."""
        block = look.block
        if block.link not in LINK_TYPES or len(look.rows.place) == len(block):
            return []
        unlike = np.ones(len(block), dtype=bool)
        unlike[look.rows.place] = False
        places, strange = [], []
        for place in np.flatnonzero(unlike).tolist():
            found = decode(block.frame(place))
            if found is None:
                continue
            key = key_of(found.flow)
            self._engine.counts.segments += isinstance(found, Segment)
            if isinstance(found, Segment) or not self._skimmed.has(np.array([key], dtype=np.uint64))[0]:
                places.append(place)
                strange.append(key)
        replay.add(block, np.array(places, dtype=np.int64))
        return strange

    def _count(self, look: Look) -> None:
        counts, block = self._engine.counts, look.block
        counts.frames += len(block)
        counts.segments += len(look.rows.place)
        if block.link not in LINK_TYPES:
            counts.unknown_links[block.link] += len(block)
        if counts.first_ns is None:
            counts.first_ns = int(block.time_ns[0])
        counts.last_ns = max(counts.last_ns, int(block.time_ns.max()))

    def _done(self, look: Look, plain: Plain, fresh: int = 0) -> None:
        """These plainly ended. What they tell was told already, where it was in frames before `fresh`."""
        aborted = int(plain.aborted.sum())
        self.counted = Counted(self.counted.orderly + len(plain.group) - aborted, self.counted.aborted + aborted)
        self._skimmed.add(int(look.block.time_ns[-1]), look.groups.key[plain.group])
        by_responder = np.flatnonzero(plain.closed >= 0)
        told = by_responder[look.numbers(plain.closed[by_responder]) >= fresh]
        self._around.together(look, ENDED, plain.closed[told], plain.opened[told])

    def _look_again(self, look: Look, second: _Second, replay: Replay, *, full: bool) -> Ints:
        """The numbers of the frames with which connections open that the engine does not see."""
        plain, groups, pulled = skim(look), look.groups, second.pulled
        odd = np.ones(len(look), dtype=bool)
        odd[plain.group] = False
        fit, ended = odd & fits(look), look.count(look.fin | look.rst) > 0
        over = members(look, np.flatnonzero(fit & ended)) if not full else []
        waiting: list[tuple[Member, Shape | None]] = [(m, None) for m in members(look, np.flatnonzero(fit & ~ended))]
        waiting += [(m, shape) for m, shape in zip(over, self._shapes.of(look, over), strict=True) if shape is not None]
        odd[[member.group for member, _shape in waiting]] = False
        second.found += [(member, shape, pulled.get(member.key)) for member, shape in waiting]
        known = np.array([key in pulled for key in groups.key.tolist()], dtype=bool)
        for key in groups.key[odd & known].tolist():
            replay.streams[pulled[key].member.first] = pulled[key].stream
        replay.add(look.block, look.places(odd))
        self._close.add(int(look.block.time_ns[-1]), groups.key[odd])
        self._done(look, plain, second.fresh)
        answers = np.flatnonzero(look.syn & look.has_ack & ~look.own & ~odd[groups.number])
        answers = answers[look.numbers(groups.order[answers]) >= second.fresh]
        first = groups.order[groups.start]
        self._around.together(look, ANSWERED, groups.order[answers], first[groups.number[answers]])
        return look.numbers(first[~odd & ~known])

    def _hold(self, second: _Second, opened: Ints, replay: Replay, whole: Look) -> None:
        """What is to wait gets its number, once the engine has told which connections opened in between."""
        base = self._engine.cases.seen
        second.found.sort(key=lambda one: (one[0].end_ns, one[0].first))
        inside = np.array(self._replay(replay, opened, whole), dtype=np.int64)
        firsts = np.array([member.first for member, _shape, _before in second.found], dtype=np.int64)
        streams = base + np.searchsorted(opened, firsts) + np.searchsorted(inside, firsts)
        told: dict[tuple[Look, int], list[tuple[int, int, int]]] = {}
        for (member, shape, before), fresh in zip(second.found, streams.tolist(), strict=True):
            stream = before.stream if before is not None else fresh
            self._waiting.put(Held(member, shape, stream))
            for kind, row in shape.tells if shape is not None else ():
                told.setdefault((member.look, kind), []).append((member.row + row, member.row, stream))
        for (look, kind), events in told.items():
            columns = np.array(events, dtype=np.int64).T
            rows, first = look.groups.order[columns[0]], look.groups.order[columns[1]]
            new = look.numbers(rows) >= second.fresh
            self._around.together(look, kind, rows[new], first[new], columns[2][new])

    def _replay(self, replay: Replay, opened: Ints, look: Look | None = None) -> list[int]:
        """Feed the engine; the numbers of the frames with which connections opened there.

        `opened`: those of others. `look`: at the block, whose other segments tell the time.
        """
        engine, cases = self._engine, self._engine.cases
        others = opened.tolist()
        counted = 0
        inside: list[int] = []
        seen = look.rows.place if look is not None else opened[:0]
        numbers = look.block.number[seen] if look is not None else seen
        clock = np.maximum.accumulate(look.block.time_ns[seen]) if look is not None else seen
        replay.frames.sort(key=lambda frame: frame[0])
        before_it = np.searchsorted(numbers, np.array([frame[0] for frame in replay.frames], dtype=np.int64)) - 1
        times = np.where(before_it >= 0, clock[before_it], 0).tolist() if len(clock) else [0] * len(replay.frames)
        for (number, place, block), time_ns in zip(replay.frames, times, strict=True):
            cases.settle(time_ns)
            while counted < len(others) and others[counted] < number:
                counted += 1
                cases.seen += 1
            before, given = cases.seen, replay.streams.get(number)
            if given is not None:
                cases.seen = given
            self._around.now = number
            engine.take(decode(block.frame(place)))
            if given is not None:
                cases.seen = before
            elif cases.seen > before:
                inside.append(number)
        cases.seen += len(others) - counted
        if len(clock):
            cases.settle(int(clock[-1]))
        return inside
