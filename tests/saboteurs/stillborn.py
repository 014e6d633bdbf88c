"""Dies before its hello."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def hello(self) -> Message:
        if self.may():
            raise SystemExit("libssl.so.1.1: cannot open shared object file")
        return super().hello()


if __name__ == "__main__":
    Saboteur().serve()
