"""What can go wrong, by whose fault it is. Every text says what happened, where, and what to do about it.

A ``HangupError`` reaches the user as one message and exit status 2; anything else that escapes is a bug of ours.
"""

from __future__ import annotations


class HangupError(Exception):
    """Something that the user can put right."""


class InputError(HangupError):
    """What the user gave (an option, a file, a name) is wrong. The text names it."""


class LabError(HangupError):
    """The machine does not permit the lab that was asked for, or the lab broke down."""


class BuildError(HangupError):
    """An agent cannot be built or run here. ``remedy`` tells what to install or to look at."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}; {remedy}" if remedy else reason)
        self.reason = reason
        self.remedy = remedy


class StoreError(HangupError):
    """A results file or folder cannot be read or written."""


class AgentFault(Exception):
    """An agent broke the protocol or died: the agent's failure, never the client's behaviour."""


class PeerFault(HangupError):
    """The peer could not play its steps: the trial is void, and where it refuses the script, so is the scenario."""
