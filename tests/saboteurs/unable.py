"""Says that it could not run the operation: its own failure, of which the client knows nothing."""

from __future__ import annotations

from honest import Agent, Message


class Saboteur(Agent):
    def answer(self, request: Message, reply: Message) -> None:
        if request["op"] == "exchange" and self.may():
            reply = {"type": "reply", "id": request["id"], "result": "failed", "why": "no more threads"}
        self.say(reply)


if __name__ == "__main__":
    Saboteur().serve()
