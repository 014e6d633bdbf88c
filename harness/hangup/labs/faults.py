"""Faults: what the keeper does to the network, or to the client's kernel, in the middle of a trial.

Each fault concerns one trial, by its port, and is gone when that is over. It knows nothing of scenarios.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from hangup.labs.addresses import Addresses
from hangup.labs.firewall import Firewall
from hangup.labs.forge import Forged, Forger
from hangup.labs.nftables import NftablesError
from hangup.labs.sockdiag import destroy, open_socket
from hangup.labs.topology import CLIENT_HOST, PEER_HOST, Namespaces
from hangup.labs.translation import Translation


class Faults:
    """The means of making them: one of each, in the namespace where it belongs."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._diag = open_socket()
        self._addresses = Addresses(namespaces)
        self._firewall: Firewall | None = None
        self._translation: Translation | None = None
        with namespaces.at("router"):
            self._forger = Forger()
            # What cannot be made is not offered, and each scenario that needs it is skipped by name.
            with suppress(NftablesError):
                self._firewall = Firewall()
            with suppress(NftablesError, OSError):
                self._translation = Translation()
        self._orders: Mapping[str, Callable[..., None]] = {
            "fate": self._fate,
            "forge": self._forge,
            "abort": self._abort,
            "lend address": self._addresses.lend,
            "remove address": self._addresses.remove,
            "translate": self._translate,
            "forget": self._forget,
            "clear": self._clear,
        }

    def offers(self) -> frozenset[str]:
        """The needs of scenarios that can be met here, beside those that every netns lab meets."""
        able = {
            "firewall": self._firewall is not None,
            "translation": self._translation is not None,
            "abort": self._can_abort(),
        }
        return frozenset(need for need, is_able in able.items() if is_able)

    def obey(self, order: str, given: Mapping[str, Any]) -> None:
        """Do what ``labs.netns.KeptNetwork`` asks for. Raises OSError, NftablesError."""
        self._orders[order](**given)

    def _fate(self, fate: Any, port: int, client_port: int | None) -> None:
        assert self._firewall is not None
        self._firewall.set(fate, port, client_port)

    def _forge(self, source: Any, destination: Any, seq: int, ack: int) -> None:
        self._forger.send(Forged(tuple(source), tuple(destination), seq, ack))

    def _abort(self, client_port: int, port: int) -> None:
        destroy(self._diag, (CLIENT_HOST, client_port), (PEER_HOST, port))

    def _translate(self, port: int) -> None:
        assert self._translation is not None
        self._translation.begin(port)

    def _forget(self, port: int, remote: int) -> None:
        assert self._translation is not None
        self._translation.forget(port, remote)

    def _clear(self, port: int) -> None:
        if self._firewall is not None:
            self._firewall.clear(port)
        if self._translation is not None:
            self._translation.clear(port)
        self._addresses.remove(port)

    def _can_abort(self) -> bool:
        """Whether the kernel would abort a connection, if there were this one."""
        try:
            destroy(self._diag, (CLIENT_HOST, 1), (PEER_HOST, 1))
        except OSError as error:
            return error.errno == errno.ENOENT
        return True
