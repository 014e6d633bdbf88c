"""Speaks a protocol from the future."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def hello(self) -> Message:
        return super().hello() | ({"protocol": 3} if self.may() else {})


if __name__ == "__main__":
    Saboteur().serve()
