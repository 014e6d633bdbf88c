"""The container engine: the one module that knows Docker's SDK, which is imported when an engine is first asked for.

The SDK blocks, so each call runs in a thread of the engine's own; ``close`` waits for those that are under way, and
what they made can be found and removed then. It does not wait for those ``at_length``, which make nothing that is a
run's own.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hangup.errors import LabError

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")

OLDEST_API = (1, 41)
"""Docker Engine 20.10, the oldest that this is tested with."""
_LOCAL = "it has to be on this machine: the lab takes the packets from the kernel that it shares with the containers"
_THREADS = 8
_SECONDS = 60


class Engine:
    """A local Docker engine. Calls raise LabError with the engine's own words."""

    def __init__(self, address: str, api: APIClient) -> None:
        self._address = address
        self._api = api
        self._threads = ThreadPoolExecutor(_THREADS, "docker")

    @classmethod
    async def connect(cls) -> Engine:
        """The engine that DOCKER_HOST names, or the usual one. Raises LabError that says why it cannot be used."""
        return await asyncio.to_thread(lambda: cls(*_connect()))

    async def call(self, function: Callable[[APIClient], T]) -> T:
        """What ``function`` gives, called with the SDK's client in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.call_here, function)

    async def call_at_length(self, function: Callable[[APIClient], T]) -> T:
        """The same for what may take minutes, such as a build: who is cancelled does not wait for it.

        Its thread then goes on until the engine next says something, or this process ends. With the process goes the
        connection, and the engine ends what it does for a connection with it.
        """
        future: Future[T] = Future()

        def work() -> None:
            try:
                result = self.call_here(function)
            except BaseException as error:  # whatever it is, it is for whoever waits
                future.set_exception(error)
            else:
                future.set_result(result)

        future.set_running_or_notify_cancel()
        threading.Thread(target=work, name="docker at length", daemon=True).start()
        return await asyncio.wrap_future(future)

    def call_here(self, function: Callable[[APIClient], T]) -> T:
        """The same, in the calling thread."""
        with _in_words():
            return function(self._api)

    async def attach(self, container: str) -> socket.socket:
        """The stream of a container's input and outputs, which from here on is the caller's."""
        return await self.call(lambda api: _attach(self._address, api.api_version, container))

    async def close(self) -> None:
        """Wait for the calls under way, and let go of the engine."""
        await asyncio.to_thread(self._threads.shutdown)
        self._api.close()


def _connect() -> tuple[str, APIClient]:
    try:
        import docker
    except ImportError:
        raise LabError("the docker lab needs Docker's SDK for Python: pip install 'hangup[docker]'") from None
    address = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if not address.startswith("unix://"):
        raise LabError(f"the docker lab cannot use the engine at {address}: {_LOCAL}")
    _reach(address)
    with _in_words():
        api = docker.APIClient(base_url=address, timeout=_SECONDS, version="auto")
        version = api.version()
    names = {str(component.get("Name", "")) for component in version.get("Components", [])}
    if any("podman" in name.lower() for name in names):
        raise LabError(f"what answers at {address} is podman, and the docker lab needs Docker Engine; set DOCKER_HOST")
    if _numbers(version["ApiVersion"]) < OLDEST_API:
        oldest = ".".join(map(str, OLDEST_API))
        raise LabError(f"Docker {version['Version']} is too old: API {version['ApiVersion']}, and {oldest} is needed")
    if version["Os"] != "linux":
        raise LabError(f"the engine runs {version['Os']} containers, and the docker lab needs Linux ones")
    _check_owner(address, api)
    return address, api


def _check_owner(address: str, api: APIClient) -> None:
    """A rootless engine may do what its user may, and so cannot look into another's folder, not even root's."""
    with _in_words():
        options = api.info().get("SecurityOptions") or ()
    owner = Path(address.removeprefix("unix://")).stat().st_uid
    if "name=rootless" in options and owner != os.geteuid():
        raise LabError(f"the Docker engine at {address} is rootless and another user's: run hangup as user {owner}")


def _attach(address: str, version: str, container: str) -> socket.socket:
    """By a client of its own, lest the connection be taken for one that can be used again."""
    import docker

    api = docker.APIClient(base_url=address, timeout=_SECONDS, version=version)
    try:
        stream = api.attach_socket(container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        try:
            return stream._sock.dup()  # type: ignore[no-any-return]  # noqa: SLF001  (the SDK gives the raw file around it)
        finally:
            stream._response.close()  # noqa: SLF001  (else its finalizer complains that the file has gone)
    finally:
        api.close()


def _reach(address: str) -> None:
    """Raises LabError where nothing listens there for us; the SDK's own words for that are hard to read."""
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(address.removeprefix("unix://"))
    except PermissionError:
        remedy = "join the group that owns the socket, or use sudo"
        raise LabError(f"no permission for the Docker engine at {address}: {remedy}") from None
    except OSError:
        remedy = "start it, or set DOCKER_HOST (or use --lab netns)"
        raise LabError(f"no Docker engine answers at {address}: {remedy}") from None


@contextmanager
def _in_words() -> Iterator[None]:
    """Turns the SDK's errors into LabErrors."""
    import docker.errors
    import requests

    try:
        yield
    except docker.errors.APIError as error:
        raise LabError(f"the Docker engine refused: {error.explanation or error}") from error
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise LabError(f"the Docker engine does not answer as it should: {error}") from error


def _numbers(version: Any) -> tuple[int, ...]:
    return tuple(int(part) for part in str(version).split("."))
