"""The swift way through a large capture: what plainly ended is only counted, what is alike is judged together, and the
rest goes to the engine.

It takes block after block, of which the connections that plainly ended have been taken out (`sift`): these are done
with. Of the others the frames are kept (`Waiting`), until they have ended, and nothing more has come of them for a
while; each new block is asked first whether it has more of them. Whatever is out of the ordinary goes to the engine,
segment by segment, and with it all that comes of it later.

It leaves the same findings of trouble as the plain way (`stream.findings`), numbered alike, and knows of the others
only how many there were.
"""

from __future__ import annotations

import sys
from heapq import merge
from typing import TYPE_CHECKING, NamedTuple

from hangup.diagnose.alike import Shapes, members, outline
from hangup.diagnose.arrays import among, np
from hangup.diagnose.blocks import by_link
from hangup.diagnose.cases import SETTLED_NS
from hangup.diagnose.finding import conclude
from hangup.diagnose.known import Known, Lately
from hangup.diagnose.likeness import fits
from hangup.diagnose.look import Look
from hangup.diagnose.replay import Replay
from hangup.diagnose.sift import over
from hangup.diagnose.skim import skim
from hangup.diagnose.telling import ANSWERED, Later, events
from hangup.diagnose.waiting import Held, Waiting, parts
from hangup.wire import LINK_TYPES, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from hangup.diagnose.alike import Member, Shape
    from hangup.diagnose.case import Case
    from hangup.diagnose.engine import Engine
    from hangup.diagnose.finding import Outline
    from hangup.diagnose.sift import Over, Sifted

    Ints = NDArray[np.int64]
    Keys = NDArray[np.uint64]
    Mask = NDArray[np.bool_]


class Counted(NamedTuple):
    """What was not looked at closely."""

    orderly: int = 0
    aborted: int = 0
    """By the originator, when it had its whole answer."""


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
        self._close, self._skimmed = Known(), Lately()
        """What was looked at closely, and may go on; what was not, and of which something may come late."""
        self.counted = Counted()

    def findings(self, blocks: Iterable[Sifted], *, full: bool = True) -> Iterator[Outline]:
        """Of all connections that were not only counted. `full`: findings with evidence and scenarios, not outlines."""
        for sifted in blocks:
            self._feed(sifted, full=full)
            yield from self._settled(sifted, full=full)
        yield from self._rest(full=full)

    def _settled(self, sifted: Sifted, *, full: bool) -> Iterator[Outline]:
        engine, until_ns = self._engine, self._engine.counts.last_ns
        settled: list[Case | Held] = [*engine.cases.settled(), *self._waiting.settled(until_ns - SETTLED_NS)]
        ends = [one.member.end_ns if isinstance(one, Held) else one.last_ns for one in settled]
        times = np.maximum.accumulate(sifted.time_ns)
        known = np.minimum(np.searchsorted(times, np.array(ends, dtype=np.int64) + SETTLED_NS), len(times) - 1)
        numbers, clock = (known + sifted.number).tolist(), times[known].tolist()
        for place in sorted(range(len(settled)), key=ends.__getitem__):
            one = settled[place]
            self._around.as_of = numbers[place]
            if isinstance(one, Held):
                yield self._outline(one, clock[place])
            else:
                yield conclude(one, engine.around, clock[place], match=full)
        self._around.as_of, self._around.done = sys.maxsize, sifted.number + len(sifted) - 1

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

    def _feed(self, sifted: Sifted, *, full: bool) -> None:
        end_ns = int(sifted.time_ns[-1])
        rest, key = sifted.rest, sifted.key
        self._skimmed.forget(int(sifted.time_ns[0]) - SETTLED_NS)
        self._count(sifted)
        replay = Replay()
        strange = self._strange(sifted, replay)
        gone = self._waiting.overflow() + self._waiting.take(strange)
        gone += self._waiting.take(self._waiting.elsewhere(key.tolist(), sifted.link))
        for held in gone:
            replay.held(held)
        closely = np.sort(np.array([*strange, *(held.member.key for held in gone)], dtype=np.uint64))
        close = self._close.has(key) | among(key, closely)
        waited = self._waiting.known(key.tolist())
        waits = among(key, np.sort(np.array(waited, dtype=np.uint64)))
        late = np.flatnonzero(~(close | waits | sifted.opens))
        passed = np.zeros(len(key), dtype=bool)
        passed[late] = self._skimmed.has(key[late], sifted.first_ns[late])  # it changes nothing
        replay.add(rest, np.flatnonzero(close[sifted.group]))
        self._close.add(np.concatenate([closely, key[close]]))
        self._done(sifted.over, end_ns)
        self._around.together(sifted.answered)
        second = _Second(sifted.number, self._waiting.take(waited))
        opened = [sifted.over.opened]
        seams = by_link([rest.part(np.flatnonzero(~(passed | close)[sifted.group])), *parts(second.pulled.values())])
        opened += [self._look_again(Look(seam), second, replay, full=full) for seam in seams]
        self._hold(second, np.sort(np.concatenate(opened)), replay, sifted)

    def _strange(self, sifted: Sifted, replay: Replay) -> list[int]:
        """The keys of what is no plain TCP, and yet of a connection. The engine is to have such frames."""
        strangers = sifted.strangers
        self._engine.counts.segments += sum(stranger.segment for stranger in strangers)
        skimmed = self._skimmed.has(np.array([s.key for s in strangers], dtype=np.uint64), sifted.strange.time_ns)
        kept = [place for place, s in enumerate(strangers) if s.segment or not skimmed[place]]
        replay.add(sifted.strange, np.array(kept, dtype=np.int64))
        return [strangers[place].key for place in kept]

    def _count(self, sifted: Sifted) -> None:
        counts = self._engine.counts
        counts.frames += len(sifted)
        counts.segments += len(sifted.segments)
        if sifted.link not in LINK_TYPES:
            counts.unknown_links[sifted.link] += len(sifted)
        if counts.first_ns is None:
            counts.first_ns = int(sifted.time_ns[0])
        counts.last_ns = max(counts.last_ns, int(sifted.time_ns.max()))

    def _done(self, plain: Over, end_ns: int) -> None:
        """These plainly ended, in a block that ended at that time."""
        orderly, aborted = self.counted
        self.counted = Counted(orderly + len(plain.key) - plain.aborted, aborted + plain.aborted)
        self._skimmed.add(end_ns, plain.key)
        self._around.together(plain.ended)

    def _look_again(self, look: Look, second: _Second, replay: Replay, *, full: bool) -> Ints:
        """The numbers of the frames with which connections open that the engine does not see."""
        plain, groups, pulled = skim(look), look.groups, second.pulled
        odd = np.ones(len(look), dtype=bool)
        odd[plain.group] = False
        fit, ended = odd & fits(look), look.count(look.fin | look.rst) > 0
        ending = members(look, np.flatnonzero(fit & ended)) if not full else []
        waiting: list[tuple[Member, Shape | None]] = [(m, None) for m in members(look, np.flatnonzero(fit & ~ended))]
        waiting += [
            (m, shape) for m, shape in zip(ending, self._shapes.of(look, ending), strict=True) if shape is not None
        ]
        odd[[member.group for member, _shape in waiting]] = False
        second.found += [(member, shape, pulled.get(member.key)) for member, shape in waiting]
        known = np.array([key in pulled for key in groups.key.tolist()], dtype=bool)
        for key in groups.key[odd & known].tolist():
            replay.streams[pulled[key].member.first] = pulled[key].stream
        replay.add(look.block, look.places(odd))
        self._close.add(groups.key[odd])
        self._done(over(look, plain, second.fresh), int(look.block.time_ns[-1]))
        answers = np.flatnonzero(look.syn & look.has_ack & ~look.own & ~odd[groups.number])
        answers = answers[look.numbers(groups.order[answers]) >= second.fresh]
        first = groups.order[groups.start]
        self._around.together(events(look, ANSWERED, groups.order[answers], first[groups.number[answers]]))
        return look.numbers(first[~odd & ~known])

    def _hold(self, second: _Second, opened: Ints, replay: Replay, whole: Sifted) -> None:
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
        for (look, kind), happened in told.items():
            columns = np.array(happened, dtype=np.int64).T
            rows, first = look.groups.order[columns[0]], look.groups.order[columns[1]]
            new = look.numbers(rows) >= second.fresh
            self._around.together(events(look, kind, rows[new], first[new]), columns[2][new])

    def _replay(self, replay: Replay, opened: Ints, whole: Sifted | None = None) -> list[int]:
        """Feed the engine; the numbers of the frames with which connections opened there.

        `opened`: those of others. `whole`: the block, whose other segments tell the time.
        """
        engine, cases = self._engine, self._engine.cases
        others = opened.tolist()
        counted = 0
        inside: list[int] = []
        seen = whole.segments if whole is not None else opened[:0]
        numbers = seen + whole.number if whole is not None else seen
        clock = np.maximum.accumulate(whole.time_ns[seen]) if whole is not None else seen
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
