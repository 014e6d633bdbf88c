"""Keeps bare ACKs in: a filter on what leaves an interface for one address.

The third segment of a handshake to that address is then the first that carries data, so a server there accepts no
connection before it has a request. Nothing else is kept in, and a host that sends no data back, to be acknowledged, is
not missing anything. A classic BPF program as the filter of a clsact queueing discipline (Linux, CAP_NET_ADMIN over the
network namespace); asked for by rtnetlink, because the standard library has no word for it.
"""

from __future__ import annotations

import os
import socket
import struct

# linux/filter.h: each instruction is a code, two jump distances and an operand.
_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE = 0x20, 0x28, 0x30
_JUMP_IF, _JUMP_IF_X, _TO_X = 0x15, 0x1D, 0x07
_RIGHT_SHIFT, _AND, _ADD, _RETURN = 0x74, 0x54, 0x04, 0x06
_PASS_ON, _DROP = 0xFFFFFFFF, 2  # TC_ACT_UNSPEC, TC_ACT_SHOT
_IPV4, _TCP, _ACK = 0x0800, 6, 0x10

# linux/rtnetlink.h, linux/pkt_sched.h and linux/pkt_cls.h
_NEW_QDISC, _NEW_FILTER = 36, 44
_REQUEST, _ANSWER, _EXCLUSIVE, _CREATE = 0x001, 0x004, 0x200, 0x400
_CLSACT, _CLSACT_HANDLE, _CLSACT_EGRESS = 0xFFFFFFF1, 0xFFFF0000, 0xFFFFFFF3
_KIND, _OPTIONS = 1, 2
_BPF_LENGTH, _BPF_PROGRAM, _BPF_FLAGS = 4, 5, 8
_DIRECT = struct.pack("=I", 1)  # what the program returns is what becomes of the segment
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_TRAFFIC = struct.Struct("=BxxxiIII")  # struct tcmsg: family, interface, handle, parent, info


def withhold_acks(interface: str, address: str) -> None:
    """From now on no segment without data that is an ACK and nothing else goes to `address`. Raises OSError."""
    program = b"".join(struct.pack("=HBBI", *instruction) for instruction in _program(address))
    length = struct.pack("=H", len(program) // 8)
    options = _attribute(_BPF_LENGTH, length) + _attribute(_BPF_PROGRAM, program) + _attribute(_BPF_FLAGS, _DIRECT)
    index = socket.if_nametoindex(interface)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        _ask(sock, _NEW_QDISC, index, _CLSACT_HANDLE, _CLSACT, 0, _attribute(_KIND, b"clsact\0"))
        _ask(
            sock, _NEW_FILTER, index, 0, _CLSACT_EGRESS, 1 << 16 | socket.htons(_IPV4),
            _attribute(_KIND, b"bpf\0") + _attribute(_OPTIONS, options),
        )  # fmt: skip


def _program(address: str) -> list[tuple[int, int, int, int]]:
    """It sees a frame: 14 bytes of Ethernet, 20 of IP (Linux sends no options by itself), TCP."""
    (destination,) = struct.unpack("!I", socket.inet_aton(address))
    return [
        (_LOAD_HALF, 0, 0, 12), (_JUMP_IF, 0, 13, _IPV4),
        (_LOAD_BYTE, 0, 0, 14 + 9), (_JUMP_IF, 0, 11, _TCP),
        (_LOAD_WORD, 0, 0, 14 + 16), (_JUMP_IF, 0, 9, destination),
        (_LOAD_BYTE, 0, 0, 34 + 13), (_JUMP_IF, 0, 7, _ACK),
        # the TCP header's length is the high half of byte 12, in words of 4 bytes; is there anything behind it?
        (_LOAD_BYTE, 0, 0, 34 + 12), (_RIGHT_SHIFT, 0, 0, 2), (_AND, 0, 0, 0x3C), (_ADD, 0, 0, 20), (_TO_X, 0, 0, 0),
        (_LOAD_HALF, 0, 0, 14 + 2), (_JUMP_IF_X, 1, 0, 0),
        (_RETURN, 0, 0, _PASS_ON),
        (_RETURN, 0, 0, _DROP),
    ]  # fmt: skip


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _ask(sock: socket.socket, what: int, index: int, handle: int, parent: int, info: int, attributes: bytes) -> None:
    message = _TRAFFIC.pack(socket.AF_UNSPEC, index, handle, parent, info) + attributes
    flags = _REQUEST | _ANSWER | _EXCLUSIVE | _CREATE
    sock.send(_HEADER.pack(_HEADER.size + len(message), what, flags, 1, 0) + message)
    (number,) = struct.unpack_from("=i", sock.recv(4096), _HEADER.size)  # of struct nlmsgerr: 0 or negative
    if number:
        raise OSError(-number, os.strerror(-number))
