"""Stops answering anything, pings included, and does not even end when its input does."""

from __future__ import annotations

import threading

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            with self._out:  # nobody else will get a word in
                threading.Event().wait()
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
