"""numpy as it is used here: without the threads for linear algebra, which take as long to start as the rest of it."""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

__all__ = ["np"]
