"""Starts, and says nothing."""

from __future__ import annotations

import threading

from honest import Agent, Message


class Saboteur(Agent):
    def hello(self) -> Message:
        if self.may():
            threading.Event().wait()
        return super().hello()


if __name__ == "__main__":
    Saboteur().serve()
