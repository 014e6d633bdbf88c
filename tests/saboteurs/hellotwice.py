"""Says hello several times at once."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def hello(self) -> Message:
        hello = super().hello()
        if self.may():
            self.say(hello, hello)
        return hello


if __name__ == "__main__":
    Saboteur().serve()
