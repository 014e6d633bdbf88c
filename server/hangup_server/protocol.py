"""The peer's conversation with the harness: JSON lines in, JSON lines out, many trials at once.

It checks messages and finds the trial that each is for; what a step is and does is not its business. The
first line out is the hello; each message in, with an `id`, is answered once, in any order:

    {"id": 1, "do": "open", "trial": "t1", "host": "::1"}     {"id": 1, "ok": true, "port": 10000}
    {"id": 2, "do": "run", "trial": "t1", "steps": [...]}     {"id": 2, "ok": true, "remote": [HOST, N], "wire": N}
    {"id": 3, "do": "log", "trial": "t1"}                     {"id": 3, "ok": true, "log": [...]}
    {"id": 4, "do": "close", "trial": "t1"}                   {"id": 4, "ok": true, "log": [...]}

`open` may carry a "port", and "steps_for_further" for the connections after the first; `log` tells what was done
so far, for a peer that may not live to be asked in the end. What cannot be done is answered
{"id": ..., "ok": false, "why": "..."}.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import signal
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hangup_server import PROTOCOL, hold, http2
from hangup_server.errors import StepError, explain
from hangup_server.listener import Listener, Ports
from hangup_server.script import parse, script
from hangup_server.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from hangup_server.log import Address, ConnectionLog
    from hangup_server.nursery import Nursery
    from hangup_server.steps.step import Step

_Answer = dict[str, Any]

_encode = json.JSONEncoder(separators=(",", ":")).encode


class MessageError(ValueError):
    """A message that cannot be obeyed as it stands: the harness's fault."""


@dataclass
class _Entry:
    trial: Trial
    running: asyncio.Task[_Answer] | None = None


async def converse(source: int, sink: int, nursery: Nursery | None, *, drain: bool = False) -> None:
    """Obeys the messages that come from the file descriptor `source` until it ends, and answers on `sink`.

    SIGTERM ends every trial or, with `drain`, only the listening: what is in flight goes on.
    """
    loop = asyncio.get_running_loop()
    peer = Peer(sink, nursery)
    ended = asyncio.Event()
    rest = b""

    def hear() -> None:
        nonlocal rest
        data = os.read(source, 1 << 16)
        if not data:
            ended.set()
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            peer.obey(line)

    peer.say({"hello": hello(nursery)})
    loop.add_reader(source, hear)
    loop.add_signal_handler(signal.SIGTERM, peer.stop_listening if drain else ended.set)
    await ended.wait()
    loop.remove_reader(source)
    await peer.close()


def hello(nursery: Nursery | None) -> _Answer:
    """What this peer is, and which steps of those that need more than sockets it can do."""
    able = {"hold": hold.works(), "process": nursery is not None, http2.PROTOCOL: http2.works()}
    return {
        "protocol": PROTOCOL,
        "runtime": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.release()}",
        "can": [name for name, works in able.items() if works],
    }


class Peer:
    """All trials that are open, by name."""

    def __init__(self, sink: int, nursery: Nursery | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._sink = sink
        self._nursery = nursery
        self._ports = Ports()
        self._trials: dict[str, _Entry] = {}
        self._tasks: set[asyncio.Task[_Answer]] = set()
        self._answers: list[str] = []

    def say(self, message: _Answer) -> None:
        """Writes one line; those of one turn of the event loop leave in one write(2)."""
        if not self._answers:
            self._loop.call_soon(self._flush)
        self._answers.append(_encode(message))

    def obey(self, line: bytes) -> None:
        """Begins what one line asks for; it is answered here or later."""
        number: int | None = None
        try:
            message = json.loads(line)
            if not isinstance(message, dict) or not isinstance(message.get("id"), int):
                raise MessageError('a message is an object with an "id"')
            number = message["id"]
            self._begin(message["id"], message)
        except (ValueError, OSError) as error:
            why = explain(error) if isinstance(error, OSError) else str(error)
            self.say({"id": number, "ok": False, "why": why})

    def _begin(self, number: int, message: dict[str, Any]) -> None:
        what, name = message.get("do"), message.get("trial")
        if not isinstance(name, str):
            raise MessageError('"trial" must be text')
        if what == "open":
            self.say({"id": number, "ok": True, "port": self._open(name, message)})
            return
        entry = self._trials.get(name)
        if entry is None:
            raise MessageError(f"there is no trial {name!r}")
        if what == "run":
            self._run(number, entry, message.get("steps"))
        elif what == "log":
            self.say({"id": number, "ok": True, "log": _log(entry.trial.log())})
        elif what == "close":
            del self._trials[name]
            self._start(number, _close(entry))
        else:
            raise MessageError(f'"do" must be open, run, log or close, not {what!r:.80}')

    def _open(self, name: str, message: dict[str, Any]) -> int:
        if name in self._trials:
            raise MessageError(f"trial {name!r} is open already")
        host, port = message.get("host"), message.get("port", 0)
        if not isinstance(host, str) or type(port) is not int or not 0 <= port <= 65535:
            raise MessageError('"host" must be an address, and "port" a number from 0 to 65535')
        further = script(parse(message.get("steps_for_further", [])))
        listener = Listener(host, port) if port else self._ports.listen(host)
        self._trials[name] = _Entry(Trial(listener, further, self._nursery))
        return listener.port

    def _run(self, number: int, entry: _Entry, listed: object) -> None:
        if entry.running is not None and not entry.running.done():
            raise MessageError("the batch before has not ended; one trial's batches come one after the other")
        entry.running = self._start(number, _run(entry.trial, parse(listed)))

    def _start(self, number: int, work: Coroutine[Any, Any, _Answer]) -> asyncio.Task[_Answer]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._finish(number, task))
        return task

    def _finish(self, number: int, task: asyncio.Task[_Answer]) -> None:
        """Answers for a task whatever became of it, so that the harness never waits in vain."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            self.say({"id": number, "ok": False, "why": "the trial was closed"})
        elif error is None:
            self.say({"id": number, "ok": True, **task.result()})
        elif isinstance(error, (StepError, OSError)):
            self.say({"id": number, "ok": False, "why": explain(error)})
        else:
            traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
            self.say({"id": number, "ok": False, "why": f"a fault of the peer itself: {error!r}"})

    def stop_listening(self) -> None:
        """Takes no further connection in any trial."""
        for entry in self._trials.values():
            entry.trial.stop_listening()

    async def close(self) -> None:
        """Ends every trial; nobody waits to hear of it."""
        for entry in self._trials.values():
            self._start(0, _close(entry))
        self._trials.clear()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _flush(self) -> None:
        lines = memoryview("".join(f"{answer}\n" for answer in self._answers).encode())
        self._answers.clear()
        try:
            while lines:
                lines = lines[os.write(self._sink, lines) :]
        except BrokenPipeError:
            return  # the harness is gone; its end of our input says so too


async def _run(trial: Trial, steps: Sequence[Step]) -> _Answer:
    await trial.run(steps)
    return {} if trial.first is None else {"remote": trial.first.remote, "wire": trial.first.log().wire}


async def _close(entry: _Entry) -> _Answer:
    if entry.running is not None and not entry.running.done():
        entry.running.cancel()
        await asyncio.wait([entry.running])
    return {"log": _log(await entry.trial.close())}


def _log(log: Sequence[tuple[Address, ConnectionLog]]) -> list[_Answer]:
    return [{"remote": remote.port, **connection.as_json()} for remote, connection in log]
