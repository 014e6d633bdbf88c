"""An exception as the protocol tells it: its chain, and what Python prints when nobody catches it."""

from __future__ import annotations

import errno
import ssl
import traceback
from typing import TYPE_CHECKING

from plumbing.protocol import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = "clients."
"""How the name of a client file's module begins."""


def chain(error: BaseException) -> tuple[Link, ...]:
    """The errors from ``error`` down to its cause, each once."""
    links: list[Link] = []
    told: set[int] = set()
    pending = [error]
    while pending:
        current = pending.pop()
        if id(current) not in told:
            told.add(id(current))
            links.append(_link(current))
            pending.extend(reversed(list(_beneath(current))))
    return tuple(links)


def _beneath(error: BaseException) -> Iterator[BaseException]:
    """The errors directly under one: the one that Python links, then those that the error itself carries.

    A library may hand its cause over as a value only, and then Python knows of no link: the ``reason`` of
    urllib3's ``MaxRetryError``, an argument of its ``ProtocolError``.
    """
    if error.__cause__ is not None:
        yield error.__cause__
    elif error.__context__ is not None and not error.__suppress_context__:
        yield error.__context__
    for held in (getattr(error, "reason", None), *error.args):
        if isinstance(held, BaseException):
            yield held


def _link(error: BaseException) -> Link:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None)
        return Link(name, str(error), code=reason if isinstance(reason, str) else None)
    number = getattr(error, "errno", None)
    if not isinstance(number, int) or _is_of_openssl(number, error):
        return Link(name, str(error))
    return Link(name, str(error), number, errno.errorcode.get(number))


def _is_of_openssl(number: int, error: BaseException) -> bool:
    """Whether an error has its number from a TLS error below it, as aiohttp's ``ClientOSError`` does.

    The ``errno`` of an ``ssl.SSLError`` is OpenSSL's (``SSL_ERROR_SSL`` is 1, and so is EPERM).
    """
    return any(isinstance(below, ssl.SSLError) and below.errno == number for below in _beneath(error))


def printed(error: BaseException) -> str | None:
    """What Python prints for an error that the client file lets out; ``None`` if it never was in one.

    The frames above the client file are the agent's. They are cut from the exception itself, because an API
    may raise the same object again later, and its traceback then goes on from what it was.
    """
    frames = error.__traceback__
    while frames is not None and not frames.tb_frame.f_globals["__name__"].startswith(CLIENTS):
        frames = frames.tb_next
    if frames is None:
        return None
    error.__traceback__ = frames
    return "".join(traceback.format_exception(type(error), error, frames))
