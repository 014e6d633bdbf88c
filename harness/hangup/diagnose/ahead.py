"""Blocks are read and sifted by a process of its own, while this one works on what is left of the block before.

A thread would not do: what is not numpy's holds the interpreter. What is left of a block is small, so it comes through
a pipe; the reader waits there when it is ahead. Either of the two may end at any time, and the other one notices.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import signal
import sys
import traceback
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from hangup.diagnose.sift import Sieve, Sifted
from hangup.errors import HangupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hangup.diagnose.blocks import Block

_PIPE = 1 << 20
"""Bytes that the pipe holds, as many as everybody may have: each time that it is full or empty somebody waits."""


_WORTH = 4 << 20


class _End(NamedTuple):
    """There are no more blocks."""

    complaints: list[str]
    fault: Exception | None


def worth(size: int) -> bool:
    """A capture of so many bytes, which may be compressed, is read quicker by two processes, and this machine can."""
    return size > _WORTH and sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1


class Ahead:
    """The reader, which is at work from now on."""

    def __init__(self, blocks: Iterable[Block], complaints: list[str]) -> None:
        """`complaints`: a list that reading adds to. It does so in the reader, so what stands there is brought here.

        Raises OSError where there may be no more processes.
        """
        self._complaints = complaints
        self._pipe, there = os.pipe()
        fcntl.fcntl(there, fcntl.F_SETPIPE_SZ, _PIPE)
        try:
            self._reader = os.fork()
        except OSError:
            os.close(self._pipe)
            os.close(there)
            raise
        if not self._reader:
            os.close(self._pipe)
            _read(blocks, complaints, there)
        os.close(there)

    def __iter__(self) -> Iterator[Sifted]:
        """Each block, sifted. Raises what reading raises, and HangupError where the reader was ended from outside."""
        try:
            with os.fdopen(self._pipe, "rb") as pipe:
                while not isinstance(found := pickle.load(pipe), _End):  # noqa: S301 - it is from our own process
                    yield found
        except EOFError:
            raise HangupError(
                "the process that reads the capture was ended from outside; is there enough memory?"
            ) from None
        finally:
            os.kill(self._reader, signal.SIGKILL)
            os.waitpid(self._reader, 0)
        self._complaints[:] = found.complaints
        if found.fault is not None:
            raise found.fault


def _read(blocks: Iterable[Block], complaints: list[str], pipe: int) -> NoReturn:
    """All that the reader does."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that prints is who is interrupted
        fault = None
        with os.fdopen(pipe, "wb") as stream:
            try:
                for sifted in map(Sieve().sift, blocks):
                    pickle.dump(sifted, stream, protocol=5)
                    stream.flush()
            except Exception as error:
                error.add_note(traceback.format_exc())
                fault = error
            pickle.dump(_End(complaints, fault), stream)
    finally:
        os._exit(0)
