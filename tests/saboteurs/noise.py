"""Writes megabytes to stderr before each answer: a nuisance that must do no harm."""

from __future__ import annotations

import os

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if self.may():
            for _ in range(64):
                os.write(2, b"debug: " + b"x" * 65536)
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
