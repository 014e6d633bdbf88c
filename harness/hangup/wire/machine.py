"""Zeek's TCP analysis of one connection: two endpoints, their states, and the history it writes.

Source: src/packet_analysis/protocol/tcp/TCPSessionAdapter.cc (Zeek 7 and 8); each function names the one
whose rule it is. Its quirks are kept, since the letters are compared with Zeek's own. Not kept are

* timers: Zeek forgets a connection that is silent for some seconds or minutes, depending on its state, and
  reports the rest as another one. What comes after the silence is what a diagnosis is after, so here it
  stays one connection;
* the loss of its bearings when more than 2 GiB were sent one way;
* the gap it reports for payload that was not captured because of the snap length, for only what was on the wire
  counts; and the letter `x`, of its own limits;
* checksums, where nobody asks for them: it drops what fails them, and on the sending host, whose network card
  computes them, that is all; and
* its byte counts, which it takes from sequence numbers, whatever RST they stand in. `direction` counts payload.

It does not know time, addresses or ports, and nothing that `direction` keeps.
"""

from __future__ import annotations

from .segments import Flags, Segment
from .side import Side
from .zeek import ConnState, History, State, conn_state

_INACTIVE = State.INACTIVE
_SYN_SENT = State.SYN_SENT
_SYN_ACK_SENT = State.SYN_ACK_SENT
_PARTIAL = State.PARTIAL
_ESTABLISHED = State.ESTABLISHED
_CLOSED = State.CLOSED
_RESET = State.RESET

_FIN, _SYN, _RST, _ACK = int(Flags.FIN), int(Flags.SYN), int(Flags.RST), int(Flags.ACK)
_CONTROL = _FIN | _SYN | _RST


class Machine:
    """Fed segment by segment; `first` is the endpoint that sent the first of them."""

    __slots__ = ("_deferred", "_history", "_partial", "first", "second")

    def __init__(self, *, flipped: bool) -> None:
        self.first = Side(is_orig=not flipped)
        self.second = Side(is_orig=flipped)
        self._partial = False
        self._deferred = False
        """close_deferred: a side has ended, and payload of it, or for it, is awaited."""
        self._history = History()
        if flipped:
            self._history.add("^", orig=True)

    @property
    def flipped(self) -> bool:
        """The sender of the first segment is not the originator."""
        return self.second.is_orig

    @property
    def history(self) -> str:
        return self._history.text

    @property
    def state(self) -> ConnState:
        orig, resp = self._roles()
        empty = not orig.size(resp) and not resp.size(orig)
        return conn_state(orig.state, resp.state, self.history, empty=empty)

    @property
    def both_closed(self) -> bool:
        return self.first.closed and self.second.closed

    def is_reuse(self, segment: Segment) -> bool:
        """TCPSessionAdapter::IsReuse: the segment opens another connection between the same two sockets."""
        flags = segment.flags
        if not flags & _SYN:
            return False
        orig, resp = self._roles()
        opener = orig
        if flags & _ACK:
            if orig.state is not _INACTIVE:
                return False
            opener = resp
        if orig.closed or resp.closed:
            return True
        if segment.seq == opener.start:
            return False
        swapped = orig.state is _SYN_ACK_SENT and resp.state is _INACTIVE and segment.seq == resp.start
        return not (swapped and not flags & _ACK)

    def feed(self, segment: Segment, *, first: bool) -> None:
        """TCPSessionAdapter::Process, and before it the checksum, where it was asked for."""
        side, peer = (self.first, self.second) if first else (self.second, self.first)
        if segment.checksum_ok is False:
            self._count(side, "C")
            return
        flags, length = segment.flags, segment.length
        self._set_partial(side, flags)
        span = (0 if flags & _RST else length) + (1 if flags & _SYN else 0) + (1 if flags & _FIN else 0)
        side.begin(segment, span)
        place = side.place(segment)
        self._letters(side, flags, place, length)
        if not (segment.window or flags & _RST or peer.state is _CLOSED or side.state is _RESET):
            self._count(side, "W")
        if flags & _FIN:
            side.fin_end = place + span
        upto = peer.acknowledge(segment) if flags & _ACK else 0
        if side.repeats(flags, place + span - side.last, length):
            self._count(side, "T")
        closes = self._step(side, peer, flags, length)
        if flags & _ACK:
            self._gaps(peer, side, upto)
        side.seen = True
        if length and not flags & _RST and place >= 0:
            data = place + 1 if flags & _SYN else place
            side.delivery.sent(data, data + length, acked=side.acked, size=side.size(peer))
        if side.ending and not side.eof:
            self._at_the_end(side, peer)
        if closes:
            self._close(side, peer)

    def _close(self, side: Side, peer: Side) -> None:
        """ConnectionClosed."""
        self._deferred = side.pending(peer)
        if not self._deferred:
            side.closed = True

    def _at_the_end(self, side: Side, peer: Side) -> None:
        """TCP_Reassembler::CheckEOF and EndpointEOF: what was awaited has come, of whichever side."""
        if side.pending(peer):
            return
        side.eof = True
        if self._deferred:
            self._close(side, peer)
            self._deferred = False

    def _roles(self) -> tuple[Side, Side]:
        return (self.first, self.second) if self.first.is_orig else (self.second, self.first)

    def _count(self, side: Side, code: str) -> None:
        count = side.counts[code] = side.counts.get(code, 0) + 1
        self._history.counted(code, count, orig=side.is_orig)

    def _set_partial(self, side: Side, flags: int) -> None:
        """SetPartialStatus."""
        if side.seen:
            return
        if side.is_orig:
            self._partial = flags & (_SYN | _ACK) != _SYN
        elif not self._partial:
            self._partial = not flags & _SYN

    def _letters(self, side: Side, flags: int, place: int, length: int) -> None:
        """update_history."""
        history, orig = self._history, side.is_orig
        control = flags & _CONTROL
        if not control:
            if length:
                history.once("D", orig=orig)
            elif flags & _ACK:
                history.once("A", orig=orig)
        elif control == _SYN:
            code = "H" if flags & _ACK else "S"
            if history.once(code, orig=orig) and place != side.last_syn:
                history.add(code, orig=orig)
            side.last_syn = place
        elif control == _FIN:
            if history.once("F", orig=orig) and place + length != side.last_fin:
                history.add("F", orig=orig)
            side.last_fin = place + length
        elif control == _RST:
            if history.once("R", orig=orig) and place != side.last_rst:
                history.add("R", orig=orig)
            side.last_rst = place
        else:
            history.once("I" if control & (_FIN | _RST) == _FIN | _RST else "Q", orig=orig)

    def _gaps(self, acked: Side, by: Side, upto: int) -> None:
        """TCP_Reassembler::AckReceived, and Gap for each hole that shows."""
        if acked.fin_end is not None:
            upto = min(upto, acked.fin_end - 1)
        if upto <= acked.delivery.trimmed:
            return
        gaps = acked.delivery.acknowledged(upto, partial=self._partial)
        if gaps and acked.clean and by.clean:
            for _ in range(gaps):
                self._count(acked, "G")
        if acked.ending and not acked.eof:
            self._at_the_end(acked, by)

    def _step(self, side: Side, peer: Side, flags: int, length: int) -> bool:
        """UpdateStateMachine. True where the segment closes its side."""
        state = side.state
        if state is _ESTABLISHED or state is _PARTIAL:
            return _established(side, peer, flags)
        if state is _CLOSED:
            return _closed(side, peer, flags)
        if state is _RESET:
            return False
        if state is _INACTIVE:
            return self._inactive(side, peer, flags, length)
        return _syn_sent(side, flags)

    def _inactive(self, side: Side, peer: Side, flags: int, length: int) -> bool:
        """UpdateInactiveState."""
        if flags & _SYN:
            self._first_syn(side, peer, flags)
        if flags & _FIN:
            side.become(_CLOSED)
        if flags & _RST:
            side.become(_RESET)
        if side.state is _INACTIVE:
            self._no_syn(side, peer, flags, length)
        return bool(flags & (_FIN | _RST))

    def _first_syn(self, side: Side, peer: Side, flags: int) -> None:
        if side.is_orig:
            side.become(_SYN_ACK_SENT if flags & _ACK else _SYN_SENT)
            return
        if not flags & _ACK and peer.state is _SYN_ACK_SENT:
            # The SYN was captured behind its answer.
            self._flip()
            peer.become(_ESTABLISHED)
        if peer.state is _SYN_SENT:
            peer.become(_ESTABLISHED)
        side.become(_ESTABLISHED)

    def _no_syn(self, side: Side, peer: Side, flags: int, length: int) -> None:
        if not side.is_orig and not length and peer.state is _SYN_SENT:
            return  # a bare ACK in front of the SYN+ACK
        if flags & _ACK and peer.state is _ESTABLISHED:
            side.become(_ESTABLISHED)  # only the SYN was missed
            self._partial = False
            return
        side.become(_PARTIAL)

    def _flip(self) -> None:
        """FlipRoles."""
        self.first.is_orig, self.second.is_orig = self.second.is_orig, self.first.is_orig
        self._partial = False
        self._history.add("^", orig=True)


def _syn_sent(side: Side, flags: int) -> bool:
    """UpdateSYN_SentState."""
    if flags & _FIN:
        side.become(_CLOSED)
    if flags & _RST:
        side.become(_RESET)
    return bool(flags & (_FIN | _RST))


def _established(side: Side, peer: Side, flags: int) -> bool:
    """UpdateEstablishedState."""
    if not flags & _CONTROL:
        return False
    if flags & (_SYN | _ACK) == _SYN and side.state is _PARTIAL and peer.state is _INACTIVE:
        side.become(_SYN_SENT)
    if flags & _RST:
        side.become(_RESET)
        return True
    if flags & _FIN:
        side.become(_CLOSED)
        if peer.state is _RESET and peer.previous is _CLOSED:
            peer.become(_CLOSED)  # FIN, then RST, then the other's FIN: this was a normal end
        return True
    return False


def _closed(side: Side, peer: Side, flags: int) -> bool:
    """UpdateClosedState: a RST after both FINs changes nothing."""
    if not flags & _RST or peer.state is _CLOSED:
        return False
    side.become(_RESET)
    return True
