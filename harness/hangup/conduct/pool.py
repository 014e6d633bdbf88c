"""The agents of a run: one a language, shared by all its trials, and one of its own for a trial that lost its agent.

It knows nothing of what is played with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hangup.agents.agent import Agent
from hangup.agents.build import Build
from hangup.agents.protocol import Hello
from hangup.conduct.plan import Skipped
from hangup.errors import AgentFault, LabError
from hangup.labs import Lab

FRESH = 4
"""How many agents for one trial alone may run at a time: the trials of an agent that fails do so all at once."""


@dataclass
class AgentPool:
    """The agents of a run, one a language, started anew where one failed."""

    lab: Lab
    builds: dict[str, Build]
    _agents: dict[str, Agent] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _fresh: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FRESH))

    async def start(self, note: Callable[[str], None]) -> tuple[dict[str, Hello], list[Skipped]]:
        """Start one of every language: the hellos of those that run, and why the others do not."""
        hellos: dict[str, Hello] = {}
        skipped = []
        answers = await asyncio.gather(*(self.get(language) for language in self.builds), return_exceptions=True)
        for language, answer in zip(self.builds, answers, strict=True):
            if isinstance(answer, Agent):
                hellos[language] = answer.hello
            elif isinstance(answer, AgentFault | LabError):
                skipped.append(Skipped(f"{language}/*", f"its agent does not start: {answer}"))
                note(f"skipped {language}/*: its agent does not start: {answer}")
            else:
                raise answer
        return hellos, skipped

    async def get(self, language: str) -> Agent:
        """The language's running agent. Raises AgentFault where it does not start."""
        async with self._locks.setdefault(language, asyncio.Lock()):
            agent = self._agents.get(language)
            if agent is None or agent.fault is not None:
                if agent is not None:
                    await agent.stop()
                agent = self._agents[language] = await Agent.start(self.lab, self.builds[language])
            return agent

    @asynccontextmanager
    async def fresh(self, language: str) -> AsyncIterator[Agent]:
        """An agent for one trial alone. One that failed may have failed hundreds: they take turns."""
        async with self._fresh:
            agent = await Agent.start(self.lab, self.builds[language])
            try:
                yield agent
            finally:
                await agent.stop()

    async def stop(self) -> None:
        """End them all."""
        await asyncio.gather(*(agent.stop() for agent in self._agents.values()))
