"""Writes without end, and without the end of a line."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            while True:
                self.write(b"x" * 65536)
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
