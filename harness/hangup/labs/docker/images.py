"""The images of the docker lab: one a language and one for the peer, each made by the Dockerfile beside its sources.

An image is tagged with the digest of what it is made of, ``hangup-go:1f0c…``, so a change of a source makes another
one, and what is there is used as it is: whoever builds with another base image (``hangup images build --build-arg``)
runs on that base from then on. What the base really was is kept in the image's labels, and gets into the results.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hangup import paths
from hangup.agents.build import BaseImage
from hangup.agents.manifest import Manifest
from hangup.errors import BuildError, InputError

if TYPE_CHECKING:
    from docker import APIClient

NAME, BASE, ORIGIN = "hangup.image", "hangup.base", "hangup.base.origin"
STAGE = "hangup.stage"
"""The label of what the Dockerfiles' build stages leave."""
PEER = "peer"
_PROXIES = {name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "FTP_PROXY") for name in (proxy, proxy.lower())}
"""Build arguments that the engine knows without a Dockerfile's ARG."""
_CA = "ca.pem"
_LAST_LINES = 12


@dataclass(frozen=True)
class Recipe:
    """What an image is made of."""

    name: str
    title: str
    root: Path
    files: tuple[str, ...]
    """Relative to ``root``, sorted."""
    dockerfile: str

    @property
    def tag(self) -> str:
        """The image's name, with the digest of its sources."""
        digest = hashlib.sha256(self.dockerfile.encode())
        for file in self.files:
            digest.update(b"\0" + file.encode() + b"\0" + (self.root / file).read_bytes())
        return f"{self.repository}:{digest.hexdigest()[:16]}"

    @property
    def repository(self) -> str:
        """The image's name without its tag."""
        return f"hangup-{self.name}"


@dataclass(frozen=True)
class Options:
    """How an image is to be built."""

    arguments: Mapping[str, str] = field(default_factory=dict)
    ca: str = ""
    """Certificates that the build trusts besides its base's own, PEM."""
    network: str | None = None
    """The network of the build's steps: None: the engine's default, or ``host``."""
    pull: bool = False
    """Ask the registry for newer base images, even where they are there."""


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


def existing(api: APIClient, tag: str) -> dict[str, Any] | None:
    """What the engine knows of an image; None where it has none of that name."""
    import docker.errors

    try:
        return dict(api.inspect_image(tag))  # type: ignore[no-untyped-call]
    except docker.errors.ImageNotFound:
        return None


def base_of(image: Mapping[str, Any]) -> BaseImage:
    """What one of our images was made from, as its labels have it."""
    labels = image["Config"]["Labels"]
    return BaseImage(labels[BASE], labels[ORIGIN])


def build(api: APIClient, recipe: Recipe, options: Options, step: Callable[[str], None]) -> dict[str, Any]:
    """Build the image, whether it is there or not. ``step`` hears each step; what it raises ends the build.

    Raises InputError for an argument that the Dockerfile does not take, BuildError with the failing step's last lines.
    """
    bases = _bases(recipe, options.arguments)
    for base in bases:
        _fetch(api, base, options.pull, step)
    origin = _origin(existing(api, bases[-1]) or {}, bases[-1])
    lines: list[str] = []
    answers = api.build(
        fileobj=_context(recipe, options), custom_context=True, tag=recipe.tag, rm=True, forcerm=True, decode=True,
        buildargs=dict(options.arguments), network_mode=options.network,
        labels={NAME: recipe.name, BASE: origin.name, ORIGIN: origin.origin},
    )  # fmt: skip
    failure: str | None = None
    for answer in answers:  # to the end, also behind an error: only then does the SDK let go of the connection
        failure = answer.get("error", failure)
        for line in str(answer.get("stream", "")).splitlines():
            if found := re.match(r"Step (\d+/\d+ : .*)", line):
                step(found[1])
                lines.clear()
            lines.append(line)
    made = existing(api, recipe.tag)
    if failure is not None or made is None:  # an image may be there of a build before
        raise BuildError(_failure(recipe, lines, failure or "the engine made no image"), _REMEDY)
    return made


_REMEDY = "see `hangup images build --help` for other base images, mirrors, proxies and certificates"


def _failure(recipe: Recipe, lines: Sequence[str], error: str) -> str:
    tail = "\n    ".join(line for line in [*lines[-_LAST_LINES:], error.strip()] if line.strip())
    return f"building the image of the {recipe.title} failed:\n    {tail}\n  "


def _bases(recipe: Recipe, arguments: Mapping[str, str]) -> list[str]:
    """The images that the Dockerfile's FROM lines name; the last one is what the image is made from."""
    declared = dict(re.findall(r"^ARG (\w+)=(.*)$", recipe.dockerfile, re.MULTILINE))
    for name in arguments:
        if name not in declared and name not in _PROXIES:
            raise InputError(f"--build-arg {name}: the Dockerfile of {recipe.name} takes {', '.join(declared)}")
    values = declared | dict(arguments)
    return [
        re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], ""), name)
        for name in re.findall(r"^FROM (\S+)", recipe.dockerfile, re.MULTILINE)
    ]


def _fetch(api: APIClient, base: str, again: bool, step: Callable[[str], None]) -> None:
    """Pull a base image, where it is not there or is to be asked for again."""
    import docker.errors

    if existing(api, base) is not None and not again:
        return
    step(f"pulling {base}")
    repository, _, tag = base.rpartition(":") if ":" in base.rpartition("/")[2] else (base, "", "latest")
    try:
        errors = [
            answer["error"] for answer in api.pull(repository, tag=tag, stream=True, decode=True) if "error" in answer
        ]
    except docker.errors.APIError as error:
        errors = [error.explanation]
    if errors:
        raise BuildError(f"{base} cannot be pulled: {errors[-1]}", _REMEDY)


def _origin(image: Mapping[str, Any], name: str) -> BaseImage:
    """A pulled image has the digest that its registry knows it by; one made here has only an id."""
    for known in image.get("RepoDigests") or ():
        return BaseImage(f"{name}@{known.rpartition('@')[2]}", "pulled")
    return BaseImage(f"{name}@{image.get('Id', '')}", "made locally")


def _context(recipe: Recipe, options: Options) -> io.BytesIO:
    """What the engine gets, as a tar file."""
    from docker.utils.build import create_archive

    extra = [("Dockerfile", recipe.dockerfile)]
    if options.ca:
        extra.append((_CA, options.ca))
    archive = io.BytesIO()
    create_archive(str(recipe.root), sorted(recipe.files), archive, extra_files=extra)
    archive.seek(0)
    return archive
