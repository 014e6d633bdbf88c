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
    __slots__ = ("_ahead", "edge", "skipping", "trimmed")

    def __init__(self) -> None:
        self.edge = 1
        """All payload below it has been delivered, or given up."""
        self.trimmed = 1
        """All payload below it has been acknowledged."""
        self._ahead: list[tuple[int, int]] = []
        """Payload above a hole: parts in order, apart from each other and from the edge."""
        self.skipping = False
        """Too much was awaited: nothing is kept any more."""

    @property
    def holds(self) -> bool:
        """TCP_Reassembler::HasUndeliveredData: payload is kept, unacknowledged or above a hole."""
        return bool(self._ahead) or self.edge > self.trimmed

    def lacks(self, end: int) -> bool:
        """Payload below `end` has not come; a FIN takes one place."""
        return end - self.edge > 1

    def sent(self, start: int, end: int, *, acked: int, size: int) -> None:
        """TCP_Reassembler::DataSent: payload from `start` to `end` was seen.

        `acked` is how far the peer has acknowledged, `size` how much this side has sent.
        """
        start = max(start, acked, self.trimmed)
        if self.skipping or end <= start:
            return
        if start <= self.edge:
            if end > self.edge:
                self._deliver(end)
                if acked <= 1 and size > _MAX_INITIAL:
                    self.trimmed = self.edge
        else:
            self._keep(start, end)
        ahead = self._ahead
        above_hole = ahead[-1][1] - self.edge if ahead else 0
        held = self.edge - self.trimmed + (sum(b - a for a, b in ahead) if ahead else 0)
        if (acked <= 1 and above_hole > _MAX_ABOVE_HOLE) or held > _MAX_UNACKNOWLEDGED:
            self.skipping = True
            ahead.clear()

    def acknowledged(self, upto: int, *, partial: bool) -> int:
        """TCP_Reassembler::AckReceived: how many gaps show; the peer acknowledges what was not seen."""
        if upto <= self.trimmed:
            return 0
        gaps = 0
        # Seen from its middle on, a connection has a made-up SYN: one octet may be missing for that alone.
        if upto > self.edge and not (upto <= 2 and partial):
            gaps = self._give_up(upto)
        self.trimmed = upto
        return gaps

    def _give_up(self, upto: int) -> int:
        """TCP_Reassembler::Undelivered: count the holes below `upto` and move on behind them."""
        gaps = 0
        while self._ahead and self._ahead[0][0] < upto:
            gaps += 1
            self.edge = self._ahead.pop(0)[1]
        if upto > self.edge:
            gaps += 1
            self._deliver(upto)
        return 0 if self.skipping else gaps

    def _deliver(self, end: int) -> None:
        self.edge = end
        while self._ahead and self._ahead[0][0] <= self.edge:
            self.edge = max(self.edge, self._ahead.pop(0)[1])

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
