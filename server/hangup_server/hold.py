"""Keeps data at the door: a socket filter that drops segments with payload and lets all others in; or one that lets
nothing but SYNs in.

A classic BPF filter on a TCP socket sees each segment from the first byte of its TCP header (Linux,
`tcp_v4_rcv` and `tcp_v6_rcv`); accepted sockets inherit it from their listener. It may need CAP_NET_ADMIN
over the socket's network namespace (measured on Linux 6.18), which `works` finds out. What it drops is not
acknowledged, so the client sends it again: held, not lost. The kernel counts the drops of each socket.
"""

from __future__ import annotations

import socket
import struct
from array import array

# linux/filter.h: each instruction is a code, two jump distances and an operand.
_LOAD_BYTE, _LOAD_LENGTH, _RIGHT_SHIFT, _AND = 0x30, 0x80, 0x74, 0x54
_TO_X, _JUMP_IF_X, _JUMP_IF, _RETURN = 0x07, 0x1D, 0x15, 0x06
_PROGRAM = (
    (_LOAD_BYTE, 0, 0, 12),  # the data offset is the high half of byte 12, in words of 4 bytes
    (_RIGHT_SHIFT, 0, 0, 2),
    (_AND, 0, 0, 0x3C),
    (_TO_X, 0, 0, 0),
    (_LOAD_LENGTH, 0, 0, 0),
    (_JUMP_IF_X, 0, 1, 0),  # a segment as long as its header carries no data
    (_RETURN, 0, 0, 0xFFFFFFFF),
    (_RETURN, 0, 0, 0),
)
_CODE = array("B", b"".join(struct.pack("HBBI", *instruction) for instruction in _PROGRAM))
# struct sock_fprog: it points to the code, so _CODE must live as long as this module.
_FILTER = struct.pack("HP", len(_PROGRAM), _CODE.buffer_info()[0])
# The program's last instruction alone drops whatever comes.
_DROP_ALL = struct.pack("HP", 1, _CODE.buffer_info()[0] + (len(_PROGRAM) - 1) * 8)

_SYN_PROGRAM = (
    (_LOAD_BYTE, 0, 0, 13),  # the flags
    (_AND, 0, 0, 0x02),
    (_JUMP_IF, 0, 1, 0x02),
    (_RETURN, 0, 0, 0xFFFFFFFF),
    (_RETURN, 0, 0, 0),
)
_SYN_CODE = array("B", b"".join(struct.pack("HBBI", *instruction) for instruction in _SYN_PROGRAM))
_SYN_FILTER = struct.pack("HP", len(_SYN_PROGRAM), _SYN_CODE.buffer_info()[0])

# asm-generic/socket.h; the socket module does not name them.
_SO_ATTACH_FILTER, _SO_DETACH_FILTER, _SO_MEMINFO = 26, 27, 55
_MEMINFO = struct.Struct("9I")
_MEMINFO_DROPS = 8


def hold(sock: socket.socket, *, everything: bool = False) -> None:
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _DROP_ALL if everything else _FILTER)


def hold_handshake(sock: socket.socket) -> None:
    """Of a listener: it answers SYNs, and the handshakes are not completed."""
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _SYN_FILTER)


def release(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


def dropped(sock: socket.socket) -> int:
    """Segments that the kernel has dropped at this socket so far."""
    meminfo = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    return int(_MEMINFO.unpack(meminfo)[_MEMINFO_DROPS])


def works() -> bool:
    """Whether this process may do all of it here: an old or foreign kernel, or a missing right, forbids it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        try:
            hold(sock)
            dropped(sock)
            release(sock)
        except (OSError, struct.error):
            return False
    return True
