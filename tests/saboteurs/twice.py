"""Answers an exchange twice, the second time as if nothing had been received."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            self.say(reply, {**reply, "received": 0})
        else:
            self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
