"""An agent that keeps the protocol, hosting stream clients made of plain socket calls. A saboteur breaks one thing.

It knows the protocol by its own lights (nothing is imported from the harness). Its two clients are the same code: a
saboteur misbehaves for ``guilty`` only, so that what becomes of ``innocent`` requests in the same process is seen too.
From its environment: ``SABOTEUR_DIARY``, a file that gets a line for each misbehaviour, and ``SABOTEUR_ONCE``, with
which a saboteur that finds a diary, of this life or an earlier one, is honest from then on.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

Message = dict[str, Any]


class Agent:
    """One honest agent. Its language is the name of its file."""

    language = Path(sys.argv[0]).stem

    def __init__(self) -> None:
        self._out = threading.Lock()
        self._sessions: dict[str, socket.socket] = {}

    # What saboteurs override.

    def hello(self) -> Message:
        """The first line."""
        client = {"layer": "stream", "ops": ["exchange", "connect", "send", "recv", "shutdown", "close"]}
        return {
            "type": "hello",
            "protocol": 2,
            "language": self.language,
            "runtime": "Python",
            "clients": {f"{self.language}/{name}": client for name in ("guilty", "innocent")},
        }

    def hear(self, request: Message) -> None:
        """A request, of whatever kind, has come and is about to be served."""

    def answer(self, request: Message, reply: Message) -> None:
        """Send the reply to an operation of the guilty client."""
        del request
        self.say(reply)

    # What they use.

    def say(self, *messages: Message) -> None:
        """Write lines of the protocol, all in one piece."""
        self.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    def write(self, data: bytes) -> None:
        """Write bytes as they are."""
        with self._out:
            while data:
                data = data[os.write(1, data) :]

    @staticmethod
    def may() -> bool:
        """Whether to misbehave now; if so, the diary says that it was done."""
        mode = "x" if "SABOTEUR_ONCE" in os.environ else "a"
        try:
            with Path(os.environ["SABOTEUR_DIARY"]).open(mode) as diary:
                diary.write("done\n")
        except FileExistsError:
            return False
        return True

    # What the honest part does.

    def serve(self) -> None:
        """Serve until the input ends."""
        self.say(self.hello())
        for line in sys.stdin.buffer:
            request = json.loads(line)
            self.hear(request)
            if request["op"] == "ping":
                self.say({"type": "reply", "id": request["id"], "result": "observed"})
            else:
                threading.Thread(target=self._work, args=(request,), daemon=True).start()
        os._exit(0)

    def _work(self, request: Message) -> None:
        reply: Message = {"type": "reply", "id": request["id"], "result": "observed", "ms": 0}
        try:
            reply |= self._perform(request)
        except OSError as error:
            link = {"type": type(error).__name__, "message": str(error), "errno": error.errno}
            reply |= {"received": 0, "error": [link], "printed": str(error)}
        if request["client"].endswith("/guilty"):
            self.answer(request, reply)
        else:
            self.say(reply)

    def _perform(self, request: Message) -> Message:
        op, session = request["op"], request["session"]
        if op == "close":
            if session in self._sessions:
                self._sessions.pop(session).close()
            return {"phase": "close"}
        if op in ("connect", "exchange") and session not in self._sessions:
            self._sessions[session] = socket.create_connection((request["host"], request["port"]))
        if op == "connect":
            return {"phase": "connect"}
        sock = self._sessions[session]
        if op == "shutdown":
            sock.shutdown(socket.SHUT_WR)
            return {"phase": "shutdown"}
        if op in ("send", "exchange"):
            sock.sendall(request["request" if op == "exchange" else "data"].encode("latin-1"))
        if op == "send":
            return {"phase": "send"}
        return self._read(sock, request["announced"] if op == "exchange" else request.get("bytes"))

    @staticmethod
    def _read(sock: socket.socket, wanted: int | None) -> Message:
        got = b""
        ended = False
        while not ended and (wanted is None or len(got) < wanted):
            data = sock.recv(65536)
            ended = not data
            got += data
        receipt = {"sha256": hashlib.sha256(got).hexdigest()} if got else {}
        return {"phase": "recv", "received": len(got), **receipt, "eof": ended}


if __name__ == "__main__":
    Agent().serve()
