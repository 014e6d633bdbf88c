"""Netlink requests that the kernel does, or refuses: what all of its families have in common."""

from __future__ import annotations

import os
import socket
import struct

NLM_F_REQUEST, NLM_F_ACK = 1, 4


def order(sock: socket.socket, message: bytes) -> None:
    """Send a message with NLM_F_ACK, and wait until it is carried out. Raises OSError where the kernel refuses it."""
    sock.send(message)
    (number,) = struct.unpack_from("=16xi", sock.recv(4096))  # struct nlmsgerr: 0, or minus the error's number
    if number:
        raise OSError(-number, os.strerror(-number))
