"""Writes JSON that is no message: an error of no links, and a field that nobody knows."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            reply |= {"error": [], "colour": "blue"}
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
