"""Answers a request that was never made."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            reply["id"] += 1_000_000
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
