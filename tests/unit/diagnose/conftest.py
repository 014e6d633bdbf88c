"""Of all tests of diagnosis: how long an example takes says nothing here."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
