"""Gets around to a ping after a while, as an agent does whose machine is busy."""

from __future__ import annotations

import time

from honest import Agent, Message


class Saboteur(Agent):
    def hear(self, request: Message) -> None:
        if request["op"] == "ping" and self.may():
            time.sleep(1.5)


if __name__ == "__main__":
    Saboteur().serve()
