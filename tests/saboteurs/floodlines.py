"""Writes lines without end, none of which is a message."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            while True:
                self.write(b"debug: still here\n" * 1000)
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
