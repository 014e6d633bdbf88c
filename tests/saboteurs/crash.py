"""Dies in the middle of an exchange, with words on stderr as a stack trace would leave them."""

from __future__ import annotations

import os

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            os.write(2, b"Traceback (most recent call last):\nMemoryError: no room for another socket\n")
            os._exit(3)
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
