"""Where each page lies below the site's folder. Pages are cited by these addresses: they do not change.

It knows nothing of what stands on a page, so that ``hangup cite`` can name one without making it.
"""

from __future__ import annotations

import hashlib
import re

START, MATRIX, ABOUT = "index.html", "matrix.html", "about.html"
SCENARIOS, CLIENTS, ERRORS = "scenario/index.html", "client/index.html", "error/index.html"


def scenario(name: str) -> str:
    """What happens, and every client's answer."""
    return f"scenario/{name}.html"


def client(name: str) -> str:
    """All that a client reports, and what to catch."""
    return f"client/{name}.html"


def cell(client: str, scenario: str) -> str:
    """One client in one scenario, with the evidence."""
    return f"cell/{client}/{scenario}.html"


def badge(client: str, scenario: str) -> str:
    """A cell in one line, as an image."""
    return f"badge/{client}/{scenario}.svg"


def capture(client: str, scenario: str) -> str:
    """The packets of one trial of a cell."""
    return f"capture/{client}/{scenario}.pcap"


def client_table(name: str) -> str:
    """A client's column of the matrix, to be embedded elsewhere."""
    return f"embed/client/{name}.html"


def scenario_table(name: str) -> str:
    """A scenario's row of the matrix, to be embedded elsewhere."""
    return f"embed/scenario/{name}.html"


def error(text: str) -> str:
    """Who says this, and when. The address depends on the text alone, so it outlives other texts."""
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48].strip("-")
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"error/{words}-{digest}.html" if words else f"error/{digest}.html"


def root(page: str) -> str:
    """The way from a page to the site's folder: ``../../`` from ``client/go/net.html``."""
    return "../" * page.count("/")
