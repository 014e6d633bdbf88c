"""Judging: from what a client reported and what the wire shows to an outcome. Pure, and done anew at each reading."""

from hangup.judge.ending import Ending, endings
from hangup.judge.judge import Verdict, judge
from hangup.outcome import ActedOn, Outcome

__all__ = ["ActedOn", "Ending", "Outcome", "Verdict", "endings", "judge"]
