"""Hosts a client that its client.toml does not have."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def hello(self) -> Message:
        hello = super().hello()
        if self.may():
            hello["clients"][f"{self.language}/stranger"] = {"layer": "http", "ops": ["exchange"]}
        return hello


if __name__ == "__main__":
    Saboteur().serve()
