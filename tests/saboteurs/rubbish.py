"""Writes a line that is not JSON, nor even text."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            self.write(b"\xff\xfe{\x00\n")
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
