"""Judging: from what a client reported and what the wire shows to an outcome. Pure, and done anew at each reading."""

from hangup.judge.judge import Verdict, judge
from hangup.outcome import Outcome

__all__ = ["Outcome", "Verdict", "judge"]
