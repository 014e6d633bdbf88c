"""Claims more bytes than anybody has sent."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            reply["received"] += 1
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
