"""numpy as it is used here: without the threads for linear algebra, which take as long to start as the rest of it.

And two of its functions on sets anew: its own import its masked arrays, which takes longer than all that they do here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Distinct(NamedTuple):
    """The different ones among some values, from below."""

    values: NDArray[Any]
    first: NDArray[np.int64]
    """A place of each."""
    which: NDArray[np.int64]
    """Of each of all values: which of the different ones it is."""


def distinct(values: NDArray[Any]) -> Distinct:
    """The different ones of several values."""
    order = np.argsort(values)
    ordered = values[order]
    new = changes(ordered)
    which = np.empty(len(values), dtype=np.int64)
    which[order] = np.cumsum(new) - 1
    return Distinct(ordered[new], order[new], which)


def changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Of each value: it is another than the one before. So is the first."""
    new = np.empty(len(values), dtype=bool)
    new[:1] = True
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return new


def among(values: NDArray[Any], some: NDArray[Any]) -> NDArray[np.bool_]:
    """Of each value: whether it is one of these, which are in order."""
    if not len(some):
        return np.zeros(len(values), dtype=bool)
    place = np.minimum(np.searchsorted(some, values), len(some) - 1)
    found: NDArray[np.bool_] = some[place] == values
    return found


__all__ = ["Distinct", "among", "changes", "distinct", "np"]
