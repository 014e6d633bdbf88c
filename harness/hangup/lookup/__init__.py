"""From an error text to what happened: the measured texts as an index, and the ranking of a text against it.

Pure, and light: it reads one generated file with the ``json`` module, and imports nothing that takes time. Only
``build``, which makes that file from the results, knows the store, the judge and the catalogue. ``lookup.js`` is the
same ranking for a browser; tests hold the two against each other on every text that was measured.
"""

from hangup.lookup.index import Index, load
from hangup.lookup.rank import Answer, lookup

__all__ = ["Answer", "Index", "load", "lookup"]
