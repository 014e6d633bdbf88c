"""Reports a status that HTTP does not have, and more bytes than any disk holds."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            reply |= {"status": -999, "received": 10**18}
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
