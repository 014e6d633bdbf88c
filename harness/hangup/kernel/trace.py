"""Asking the kernel: a tracing instance of this process's own, removed when it is closed.

Nobody else's tracing is touched. What a process left that was killed is removed by the next one: its instance bears the
process's number, and the kernel itself refuses to remove one that is in use.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hangup.kernel.resets import KernelReset, resets, tells_reason

MOUNTS: Sequence[Path] = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
_EVENT = Path("events/tcp/tcp_send_reset")
_OURS = re.compile(r"hangup-(\d+)-\d+")
_BUFFER_KB = 256
"""For each processor: some 1,500 resets that nobody has read yet."""
_TRIES = 50
"""Every 10 ms: a program that was being started has our end of the pipe, too, until it runs."""
_numbers = itertools.count(1)


class KernelUnreadable(Exception):
    """The kernel cannot be asked here: the text says why, and what would help."""


class ResetTrace:
    """Every RST that a kernel of this machine sends from now on, whoever causes it, until ``close``."""

    def __init__(self, mounts: Sequence[Path] = MOUNTS) -> None:
        """Raises KernelUnreadable."""
        tracefs = _find(mounts)
        _remove_leftovers(tracefs / "instances")
        self._instance = tracefs / "instances" / f"hangup-{os.getpid()}-{next(_numbers)}"
        self._rest = b""
        try:
            self._instance.mkdir()
            self._pipe = os.open(self._instance / "trace_pipe", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            with suppress(OSError):
                self._instance.rmdir()
            raise KernelUnreadable(f"a tracing instance cannot be made: {error.strerror}") from None
        try:
            (self._instance / "buffer_size_kb").write_text(str(_BUFFER_KB))
            (self._instance / _EVENT / "enable").write_text("1")
        except OSError as error:
            self.close()
            raise KernelUnreadable(f"tcp:tcp_send_reset cannot be traced: {error.strerror}") from None

    def read(self) -> list[KernelReset]:
        """The resets since the last call. Raises Lost where some of them were lost."""
        data = self._rest
        while True:
            try:
                more = os.read(self._pipe, 1 << 16)
            except BlockingIOError:
                break
            if not more:  # somebody has switched the instance off
                break
            data += more
        whole, _, self._rest = data.rpartition(b"\n")
        return list(resets(whole.decode("ascii", "replace").splitlines()))

    def close(self) -> None:
        """Remove the instance. While somebody else reads it the kernel refuses: then the next process removes it."""
        os.close(self._pipe)
        for _ in range(_TRIES):
            try:
                self._instance.rmdir()
            except OSError as error:
                if error.errno != errno.EBUSY:
                    return
                time.sleep(0.01)
            else:
                return


@contextmanager
def tracing() -> Iterator[ResetTrace | None]:
    """A trace for as long as it is needed; None where the kernel cannot be asked."""
    try:
        trace = ResetTrace()
    except KernelUnreadable:
        yield None
        return
    try:
        yield trace
    finally:
        trace.close()


def _find(mounts: Sequence[Path]) -> Path:
    """Where tracefs is, with an event that tells the reason. Raises KernelUnreadable."""
    if sys.platform != "linux":
        raise KernelUnreadable("only Linux can tell")
    for mount in mounts:
        try:
            event_format = (mount / _EVENT / "format").read_text(encoding="ascii")
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM):
                raise KernelUnreadable(f"{mount} may only be read by root") from None
            continue
        if not tells_reason(event_format):
            raise KernelUnreadable("this kernel does not tell the reason; Linux 6.10 and newer do")
        return mount
    where = mounts[0]
    if os.geteuid() != 0:
        raise KernelUnreadable(f"{where} may only be read by root")
    raise KernelUnreadable(f"no tracefs there: `mount -t tracefs tracefs {where}`")


def _remove_leftovers(instances: Path) -> None:
    """Those of processes that are gone."""
    for entry in instances.iterdir():
        found = _OURS.fullmatch(entry.name)
        if found and not Path("/proc", found[1]).exists():
            with suppress(OSError):  # in use after all, by a process that has its number in another namespace
                entry.rmdir()
