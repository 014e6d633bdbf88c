"""What the swift way leaves to the engine: frames, to be fed in their order, whatever block they lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hangup.diagnose.blocks import Block
    from hangup.diagnose.waiting import Held

    Ints = NDArray[np.int64]


class Replay:
    """Frames, and which of them begin a connection that has its number already."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, int, Block]] = []
        """Number, place and block."""
        self.streams: dict[int, int] = {}
        """By the number of the first frame."""

    def add(self, block: Block, places: Ints) -> None:
        """Frames of a block."""
        numbers = block.number[places].tolist()
        self.frames += [(number, place, block) for number, place in zip(numbers, places.tolist(), strict=True)]

    def held(self, held: Held) -> None:
        """A connection that has waited."""
        self.streams[held.member.first] = held.stream
        self.add(held.member.look.block, held.member.places())
