"""Tells the hash of what it received in capital letters."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            reply |= {"sha256": reply["sha256"].upper()}
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
