"""Keeps back the answer to an exchange until the harness has given up on it and closes the session."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, Message] = {}

    def hear(self, request: Message) -> None:
        if request["op"] == "close" and request["session"] in self._kept:
            self.say(self._kept.pop(request["session"]))

    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            self._kept[request["session"]] = reply
        else:
            self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
