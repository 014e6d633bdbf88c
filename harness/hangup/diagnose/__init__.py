"""Diagnosis: from any capture to how each connection ended, who ended it, most likely why, and what clients say of it.

    frames ─ Engine → Case ─ Facts ─ signatures → Hypothesis ─ conclude → Finding ─ record, Summary, page

| module | knows |
| --- | --- |
| `inputs` | files: compressed, several, growing, damaged |
| `engine`, `cases`, `case`, `trail`, `messages` | what is kept of a connection while it goes on, in bounded memory |
| `around` | what other connections tell of one |
| `facts`, `signatures/`, `causes` | how causes are told apart; their words and sources are data (`causes.toml`) |
| `acted_on` | whether the request was acted on, and so whether a retry is safe |
| `finding`, `matching` | what is said of a connection, and which scenarios of the catalogue are like it |
| `blocks`, `heads`, `columns`, `look` | large captures at speed: frames, headers and connections as arrays |
| `skim`, `alike`, `likeness` | what plainly ended in order is only counted; what is alike is judged once |
| `sift`, `ahead` | what is left of a block when that is taken out; by a process of its own where it is worth it |
| `swift`, `waiting`, `telling` | block after block: what is not done with, and what each tells of the others |
| `choosing`, `record`, `summary`, `ladder`, `page` | filters and views |

All of it but `inputs` is pure. Nothing here knows labs, agents or the command line. What only some ask for (`matching`,
`page`) is imported where it is used: the catalogue and the results take longer to load than a small capture.
"""

from hangup.diagnose.causes import Cause, Evidence, Hypothesis, causes
from hangup.diagnose.engine import Counts, Engine
from hangup.diagnose.finding import Finding, Severity, conclude
from hangup.diagnose.inputs import Inputs
from hangup.diagnose.record import record
from hangup.diagnose.stream import findings, troubled
from hangup.diagnose.summary import Summary

__all__ = [
    "Cause",
    "Counts",
    "Engine",
    "Evidence",
    "Finding",
    "Hypothesis",
    "Inputs",
    "Severity",
    "Summary",
    "causes",
    "conclude",
    "findings",
    "record",
    "troubled",
]
