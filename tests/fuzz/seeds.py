"""The fuzzer's first inputs, made by code: whole captures, and frames of every link type."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import synthetic
from wire_packets import LINKS, enhanced, interface, section

from hangup.wire import LINK_TYPES


def main(folder: Path) -> None:
    """Write them."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = [data for _, data in synthetic.frames(3, at_a_time=2)]
    whole = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for second, data in enumerate(frames):
        whole += struct.pack("<IIII", second, 0, len(data), len(data)) + data
    (folder / "pcap").write_bytes(b"\0" + whole)
    blocks = section() + interface() + b"".join(enhanced(data, number) for number, data in enumerate(frames))
    (folder / "pcapng").write_bytes(b"\0" + blocks)
    for choice, number in enumerate(sorted(LINK_TYPES), 1):
        link = next(link for link in LINKS.values() if link.number == number) if number < 200 else LINKS["raw"]
        packets = [link.wrap(data[14:])[:250] for data in frames[:20]]
        (folder / f"link{number}").write_bytes(bytes([choice]) + b"".join(bytes([len(p) - 1]) + p for p in packets))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
