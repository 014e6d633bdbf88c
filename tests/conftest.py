"""Fixtures of all tests: the labs, each skipped by name where the machine does not permit it."""

from __future__ import annotations

import importlib.util
import signal

import pytest
from driving import LABS, require_lab

from hangup.labs import LabName

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So a shell starts a job in the background, and children inherit it; hangup is tested as a terminal starts it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

collect_ignore = [] if importlib.util.find_spec("playwright") else ["site"]
"""The tests in a browser have a session of their own, `nox -s tests_site`, which installs what drives it."""


@pytest.fixture(params=LABS, scope="session")
def lab_name(request: pytest.FixtureRequest) -> LabName:
    """Each lab in turn."""
    require_lab(request.param)
    return request.param
