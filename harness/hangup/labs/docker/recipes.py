"""What an image of the docker lab is made of: a Dockerfile, the sources beside it, and what a user will have otherwise.

An image is tagged with the digest of its sources, ``hangup-go:1f0c…``; where a build argument takes another base image,
with the digest of that behind it, ``hangup-go:1f0c…-93ab…``. So whatever an image is made of, it is another image, and
none is ever taken for another. An engine is not asked here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hangup import paths
from hangup.agents.manifest import Manifest, load_manifests
from hangup.errors import BuildError, InputError

PREFIX = "hangup-"
PEER = "peer"
_REGISTRY = "REGISTRY"
"""The one argument that means the same in every Dockerfile."""
_PROXIES = {name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "FTP_PROXY") for name in (proxy, proxy.lower())}
"""Build arguments that the engine knows without a Dockerfile's ARG. They change the way to an image, not the image."""


@dataclass(frozen=True)
class Argument:
    """One ``--build-arg``, for one image or, where ``image`` is None, for all."""

    image: str | None
    name: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Argument:
        """Of ``[IMAGE:]NAME=VALUE``. Raises InputError."""
        found = re.fullmatch(r"(?:([^:=]+):)?([^:=]+)=(.*)", text)
        if found is None:
            raise InputError(f"--build-arg {text}: write it as NAME=VALUE, or as IMAGE:NAME=VALUE for one image alone")
        return cls(found[1], found[2], found[3])


@dataclass(frozen=True)
class Recipe:
    """What an image is made of."""

    name: str
    title: str
    root: Path
    files: tuple[str, ...]
    """Relative to ``root``, sorted."""
    dockerfile: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Build arguments, for the Dockerfile's own defaults and the engine's."""

    @property
    def repository(self) -> str:
        """The image's name without its tag."""
        return f"{PREFIX}{self.name}"

    @property
    def sources(self) -> str:
        """The name of the image as the sources alone have it."""
        digest = hashlib.sha256(self.dockerfile.encode())
        for file in self.files:
            digest.update(b"\0" + file.encode() + b"\0" + (self.root / file).read_bytes())
        return f"{self.repository}:{digest.hexdigest()[:16]}"

    @property
    def tag(self) -> str:
        """The image's name."""
        overrides = " ".join(self.overrides)
        return self.sources + (f"-{hashlib.sha256(overrides.encode()).hexdigest()[:8]}" if overrides else "")

    @property
    def overrides(self) -> list[str]:
        """What differs from the Dockerfile's defaults, as ``NAME=VALUE``, sorted."""
        declared = self._declared()
        return sorted(f"{name}={value}" for name, value in self.arguments.items() if declared.get(name, value) != value)

    @property
    def bases(self) -> list[str]:
        """The images that the Dockerfile's FROM lines name; the last one is what the image is made from."""
        values = self._declared() | dict(self.arguments)
        return [
            re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], ""), name)
            for name in re.findall(r"^FROM (\S+)", self.dockerfile, re.MULTILINE)
        ]

    def with_arguments(self, arguments: Iterable[Argument]) -> Recipe:
        """The same, with what of these is meant for it. Raises InputError for one that its Dockerfile does not take."""
        mine = {argument.name: argument.value for argument in arguments if argument.image in (None, self.name)}
        declared = self._declared()
        for name in mine:
            if name not in declared and name not in _PROXIES:
                raise InputError(f"--build-arg {name}: the Dockerfile of {self.name} takes {', '.join(declared)}")
        return replace(self, arguments=mine)

    def _declared(self) -> dict[str, str]:
        """The Dockerfile's ARGs and their defaults."""
        return dict(re.findall(r"^ARG (\w+)=(.*)$", self.dockerfile, re.MULTILINE))


def sources_of(tag: str) -> str:
    """The ``sources`` of the recipe that an image of this tag was made by."""
    repository, _, version = tag.rpartition(":")
    return f"{repository}:{version.partition('-')[0]}"


def all_recipes() -> dict[str, Recipe]:
    """All images of the docker lab, by name. Raises BuildError where a language has no Dockerfile."""
    agents = {language: agent_recipe(manifest) for language, manifest in load_manifests(paths.clients()).items()}
    return {PEER: peer_recipe()} | agents


def checked_arguments(texts: Sequence[str], made: Mapping[str, Recipe]) -> tuple[Argument, ...]:
    """What ``--build-arg`` gave, where it can be meant for these images. Raises InputError.

    An argument for all of them has to mean the same in each, which a base image does not.
    """
    arguments = tuple(Argument.parse(text) for text in texts)
    for argument in arguments:
        if argument.image is not None:
            check_name(argument.image, made)
        if argument.image is None and len(made) > 1 and argument.name not in {_REGISTRY, *_PROXIES}:
            example = f"{[*made][-1]}:{argument.name}={argument.value}"
            raise InputError(f"--build-arg {argument.name}: say for which image, as in {example}")
    for recipe in made.values():
        recipe.with_arguments(arguments)
    return arguments


def check_name(name: str, made: Iterable[str]) -> None:
    """Raises InputError where no image has this name."""
    if name not in made:
        raise InputError(f"no image is named {name!r}: there are {', '.join(made)}")


def agent_recipe(manifest: Manifest) -> Recipe:
    """The image of a language's agent. Raises BuildError where the language has no Dockerfile."""
    root = manifest.folder
    try:
        dockerfile = (root / "Dockerfile").read_text(encoding="utf-8")
        ignored = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise BuildError(f"{error.filename} is missing", "the docker lab needs one for each language") from None
    return Recipe(manifest.language, manifest.title, root, _files(root, ignored), dockerfile)


def peer_recipe() -> Recipe:
    """The image of the peer, and of the hosts."""
    root = paths.server_root()
    files = tuple(sorted(path.relative_to(root).as_posix() for path in (root / "hangup_server").rglob("*.py")))
    return Recipe(PEER, "peer", root, files, paths.peer_dockerfile().read_text(encoding="utf-8"))


def _files(root: Path, ignored: Sequence[str]) -> tuple[str, ...]:
    from docker.utils.build import exclude_paths

    patterns = [line for line in ignored if line and not line.startswith("#")]
    found = exclude_paths(str(root), patterns, dockerfile=".dockerignore")  # it keeps the file named so
    return tuple(sorted(name for name in found if (root / name).is_file() and name != ".dockerignore"))
