"""One direction's payload as Zeek's reassembler sees it: which parts came, and which never did.

Sources: src/analyzer/protocol/tcp/TCP_Reassembler.cc and src/Reassem.cc. Sequence numbers are relative to
the SYN, so payload starts at 1. Only what decides whether a content gap is reported is followed, with
Zeek's default settings.
"""

from __future__ import annotations

from bisect import bisect_left

_MAX_ABOVE_HOLE = 16_384  # tcp_max_above_hole_without_any_acks
_MAX_INITIAL = 16_384  # tcp_max_initial_window
_MAX_UNACKNOWLEDGED = 10 * 1024 * 1024  # tcp_excessive_data_without_further_acks


class Delivery:
    __slots__ = ("_ahead", "_edge", "_skipping", "_trimmed")

    def __init__(self) -> None:
        self._edge = 1
        """All payload below it has been delivered, or given up."""
        self._trimmed = 1
        """All payload below it has been acknowledged."""
        self._ahead: list[tuple[int, int]] = []
        """Payload above a hole: parts in order, apart from each other and from the edge."""
        self._skipping = False

    def sent(self, start: int, end: int, *, acked: int, size: int) -> None:
        """TCP_Reassembler::DataSent: payload from `start` to `end` was seen.

        `acked` is how far the peer has acknowledged, `size` how much this side has sent.
        """
        start = max(start, acked, self._trimmed)
        if self._skipping or end <= start:
            return
        if start <= self._edge:
            if end > self._edge:
                self._deliver(end)
                if acked <= 1 and size > _MAX_INITIAL:
                    self._trimmed = self._edge
        else:
            self._keep(start, end)
        ahead = self._ahead
        above_hole = ahead[-1][1] - self._edge if ahead else 0
        held = self._edge - self._trimmed + (sum(b - a for a, b in ahead) if ahead else 0)
        if (acked <= 1 and above_hole > _MAX_ABOVE_HOLE) or held > _MAX_UNACKNOWLEDGED:
            self._skipping = True
            ahead.clear()

    def acknowledged(self, upto: int, *, partial: bool) -> int:
        """TCP_Reassembler::AckReceived: how many gaps show; the peer acknowledges what was not seen."""
        if upto <= self._trimmed:
            return 0
        gaps = 0
        # Seen from its middle on, a connection has a made-up SYN: one octet may be missing for that alone.
        if upto > self._edge and not (upto <= 2 and partial):
            gaps = self._give_up(upto)
        self._trimmed = upto
        return gaps

    def _give_up(self, upto: int) -> int:
        """TCP_Reassembler::Undelivered: count the holes below `upto` and move on behind them."""
        gaps = 0
        while self._ahead and self._ahead[0][0] < upto:
            gaps += 1
            self._edge = self._ahead.pop(0)[1]
        if upto > self._edge:
            gaps += 1
            self._deliver(upto)
        return 0 if self._skipping else gaps

    def _deliver(self, end: int) -> None:
        self._edge = end
        while self._ahead and self._ahead[0][0] <= self._edge:
            self._edge = max(self._edge, self._ahead.pop(0)[1])

    def _keep(self, start: int, end: int) -> None:
        """Put a part among those above the hole, joined with the ones it touches."""
        ahead = self._ahead
        first = bisect_left(ahead, (start, start))
        if first and ahead[first - 1][1] >= start:
            first -= 1
        last = first
        while last < len(ahead) and ahead[last][0] <= end:
            last += 1
        if first < last:
            start, end = min(start, ahead[first][0]), max(end, ahead[last - 1][1])
        ahead[first:last] = [(start, end)]
