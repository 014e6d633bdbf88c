"""Says hello again in the middle of an exchange."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            self.say(self.hello())
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
