"""Any bytes at all, taken for a capture: `nox -s fuzz`. What could be read is told; nothing else may happen.

The first byte chooses what the rest is: a file, or frames of one link type after another in a sound file, so that the
fuzzer gets past the file format and to the protocols.
"""

from __future__ import annotations

import contextlib
import io
import struct
import sys

import atheris

with atheris.instrument_imports(include=["hangup.wire", "hangup.diagnose"]):
    from hangup.diagnose import Engine, findings, record
    from hangup.diagnose.blocks import blocks
    from hangup.diagnose.inputs import unpacked
    from hangup.diagnose.sift import Sieve
    from hangup.diagnose.swift import Swift
    from hangup.wire import LINK_TYPES, CaptureError, read_capture

MEMORY = 1 << 20
LINKS = sorted(LINK_TYPES)


def capture(data: bytes) -> bytes:
    """The bytes as they are, or cut into frames."""
    choice = data[0] % (len(LINKS) + 1) if data else 0
    if choice == 0:
        return data[1:]
    out, rest = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINKS[choice - 1]), data[1:]
    second = 0
    while rest:
        size = min(rest[0] + 1, len(rest) - 1)
        out += struct.pack("<IIII", second, 0, size, size) + rest[1 : 1 + size]
        rest, second = rest[1 + size :], second + 1
    return out


def test_one_input(data: bytes) -> None:
    """Both ways; a capture that cannot be read on says so."""
    whole = capture(data)
    with contextlib.suppress(CaptureError):
        for finding in findings(read_capture(unpacked(io.BytesIO(whole))), Engine(MEMORY)):
            assert record(finding)["causes"]
    with contextlib.suppress(CaptureError):
        for finding in Swift(Engine(MEMORY)).findings(map(Sieve().sift, blocks(io.BytesIO(whole), 4096))):
            assert finding.causes


if __name__ == "__main__":
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()
