"""What Zeek's conn.log says of a connection: its state, the letters of its history, and who is who.

Sources: scripts/base/protocols/conn/main.zeek (conn_state), src/session/Session.cc and
src/analyzer/protocol/tcp/TCP_Endpoint.cc (history), src/packet_analysis/protocol/tcp/TCP.cc (roles), of
Zeek 7 and 8. The state machine that arrives at them is in `machine`.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Literal

ConnState = Literal["SF", "S0", "S1", "S2", "S3", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"]


class State(Enum):
    """Of one endpoint (TCP_Endpoint.h, EndpointState)."""

    INACTIVE = "nothing seen of it"
    SYN_SENT = "SYN seen, no answer"
    SYN_ACK_SENT = "SYN+ACK seen, of one that is taken for the originator"
    PARTIAL = "seen, but no SYN of it"
    ESTABLISHED = "SYN and its answer seen"
    CLOSED = "FIN seen"
    RESET = "RST seen"


_ONLY_THE_ORIGINATOR = re.compile(r"\^?S[^HAFGIQ]*R.*")


def conn_state(orig: State, resp: State, history: str, *, empty: bool) -> ConnState:
    """The function of the same name in main.zeek; `empty` says that neither side has sent payload."""
    if resp is State.RESET:
        return _reset_by_responder(orig, empty=empty)
    if orig is State.RESET:
        return _reset_by_originator(resp, history)
    if State.CLOSED in (orig, resp):
        return _finished(orig, resp)
    if orig is State.SYN_SENT and resp is State.INACTIVE:
        return "S0"
    if orig is State.ESTABLISHED and resp is State.ESTABLISHED:
        return "S1"
    return "OTH"


def _unseen(state: State) -> bool:
    return state in (State.INACTIVE, State.PARTIAL)


def _reset_by_responder(orig: State, *, empty: bool) -> ConnState:
    if orig in (State.SYN_SENT, State.SYN_ACK_SENT) or (orig is State.RESET and empty):
        return "REJ"
    return "RSTRH" if _unseen(orig) else "RSTR"


def _reset_by_originator(resp: State, history: str) -> ConnState:
    if not _unseen(resp):
        return "RSTO"
    return "RSTOS0" if _ONLY_THE_ORIGINATOR.fullmatch(history) else "OTH"


def _finished(orig: State, resp: State) -> ConnState:
    if orig is resp:
        return "SF"
    if orig is State.CLOSED:
        return "SH" if _unseen(resp) else "S2"
    return "SHR" if _unseen(orig) else "S3"


_BITS = {"S": 1, "H": 1, "F": 2, "R": 4, "I": 8, "D": 16, "A": 32, "Q": 64}
"""TCP_Endpoint::HistoryMasks: what counts as seen before. SYN and SYN+ACK share one."""

_RESPONDER = 16
"""How far the responder's bits are shifted."""


_LONGEST = 4096
"""Letters of a history, which Zeek does not limit: a flood of RSTs with ever other numbers must not cost memory."""


class History:
    """The letters, upper case for the originator. Where roles flip, what was written stays as it is."""

    __slots__ = ("_seen", "text")

    def __init__(self) -> None:
        self.text = ""
        self._seen = 0

    def once(self, code: str, *, orig: bool) -> bool:
        """Session::CheckHistory: write the letter the first time only. True where it had been written."""
        bit = _BITS[code] if orig else _BITS[code] << _RESPONDER
        if self._seen & bit:
            return True
        self._seen |= bit
        self.add(code, orig=orig)
        return False

    def counted(self, code: str, count: int, *, orig: bool) -> None:
        """Session::ScaledHistoryEntry: write the letter the 1st, 10th, 100th time, and so on."""
        while count % 10 == 0:
            count //= 10
        if count == 1:
            self.add(code, orig=orig)

    def add(self, code: str, *, orig: bool) -> None:
        if len(self.text) < _LONGEST:
            self.text += code if orig else code.lower()


_SERVER_PORTS: dict[str, tuple[int, ...]] = {
    "dce-rpc": (135,),
    "dnp3": (20000,),
    "dns": (53,),
    "finger": (79,),
    "ftp": (21, 2811),
    "http": (80, 81, 631, 1080, 3128, 8000, 8080, 8888),
    "imap": (143,),
    "irc": (6666, 6667, 6668, 6669),
    "krb": (88,),
    "ldap": (389, 3268),
    "modbus": (502,),
    "mqtt": (1883,),
    "mysql": (1434, 3306),
    "pop3": (110,),
    "postgresql": (5432,),
    "rdp": (3389,),
    "redis": (6379,),
    "smb": (139, 445),
    "smtp": (25, 587),
    "socks": (1080,),
    "ssh": (22,),
    "ssl": (443, 563, 585, 614, 636, 989, 990, 992, 993, 995, 5223),
    "xmpp": (5222, 5269),
}
"""The TCP ports that Zeek's scripts in base/protocols add to likely_server_ports."""

_LIKELY_SERVER_PORTS = frozenset(port for ports in _SERVER_PORTS.values() for port in ports)


def starts_flipped(sport: int, dport: int, *, syn: bool, ack: bool) -> bool:
    """TCPAnalyzer::WantConnection: it is seen from its middle on, and first its likely server."""
    if syn and not ack:
        return False
    if sport not in _LIKELY_SERVER_PORTS:
        return False
    if dport in _LIKELY_SERVER_PORTS:
        return not syn and sport < dport
    return True
