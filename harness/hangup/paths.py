"""Where things are: the one module that decides "checkout or installed".

In a checkout (and an editable install of one) the agents' sources and the results stand beside the packages; a wheel
carries them inside the package as ``_clients`` and ``_results``.
"""

from __future__ import annotations

from pathlib import Path

import platformdirs

import hangup_server

_PACKAGE = Path(__file__).resolve().parent
_ROOT = _PACKAGE.parents[1]


def checkout() -> Path | None:
    """The root of the checkout that this package runs from, or None where it is installed."""
    return _ROOT if (_ROOT / "clients").is_dir() and (_ROOT / "pyproject.toml").is_file() else None


def clients() -> Path:
    """The folder that holds one folder a language."""
    root = checkout()
    return root / "clients" if root else _PACKAGE / "_clients"


def published_results() -> Path:
    """The results that came with this copy of hangup."""
    root = checkout()
    return root / "results" if root else _PACKAGE / "_results"


def server_root() -> Path:
    """The folder to put on PYTHONPATH so that ``python -m hangup_server`` starts the peer."""
    return Path(hangup_server.__file__).resolve().parents[1]


def peer_dockerfile() -> Path:
    """What the peer's image is made by."""
    root = checkout()
    return root / "server" / "Dockerfile" if root else _PACKAGE / "_server.Dockerfile"


def runs() -> Path:
    """Where runs leave their captures and raw trials: the checkout's ``runs/``, else that of the working directory."""
    return (checkout() or Path.cwd()) / "runs"


def cache() -> Path:
    """The user's cache folder for built agents."""
    return Path(platformdirs.user_cache_dir("hangup"))
