"""Why a step could not be done, and how the peer words it. It knows no step."""

from __future__ import annotations

import errno
import os


class StepError(Exception):
    """A step that could not be done: the text says why."""


def explain(error: OSError | StepError) -> str:
    """An error of the system by its POSIX name, any other by its text."""
    if isinstance(error, OSError) and error.errno is not None and error.errno in errno.errorcode:
        return f"{errno.errorcode[error.errno]} ({os.strerror(error.errno)})"
    return str(error)  # a resolver's error has a number of its own kind
