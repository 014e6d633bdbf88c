"""Making the images of the docker lab: one a language and one for the peer, each by its recipe, and only once.

What is there is used as it is, until its recipe is another or the engine has another base image under the name that it
was made from. What the base really was is kept in the image's labels, and gets into the results.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hangup.agents.build import BaseImage
from hangup.errors import BuildError
from hangup.labs.docker.recipes import Recipe

if TYPE_CHECKING:
    from docker import APIClient

NAME, BASE, ORIGIN, OVERRIDES = "hangup.image", "hangup.base", "hangup.base.origin", "hangup.overrides"
STAGE = "hangup.stage"
"""The label of what the Dockerfiles' build stages leave."""
_CA = "ca.pem"
_LAST_LINES = 12


@dataclass(frozen=True)
class Options:
    """How an image is to be built."""

    ca: str = ""
    """Certificates that the build trusts besides its base's own, PEM."""
    network: str | None = None
    """The network of the build's steps: None: the engine's default, or ``host``."""
    pull: bool = False
    """Ask the registry for newer base images, even where they are there."""


def existing(api: APIClient, tag: str) -> dict[str, Any] | None:
    """What the engine knows of an image; None where it has none of that name."""
    import docker.errors

    try:
        return dict(api.inspect_image(tag))  # type: ignore[no-untyped-call]
    except docker.errors.ImageNotFound:
        return None


def base_of(labels: Mapping[str, Any]) -> BaseImage:
    """What one of our images was made from, as its labels have it."""
    return BaseImage(labels[BASE], labels[ORIGIN])


def usable(api: APIClient, recipe: Recipe) -> dict[str, Any] | None:
    """The image that this recipe makes, where it is there and would not come out otherwise now."""
    made = existing(api, recipe.tag)
    return made if made is not None and on_its_base(api, made["Config"]["Labels"]) else None


def on_its_base(api: APIClient, labels: Mapping[str, Any]) -> bool:
    """Whether the base that an image of ours was made from is what the engine has under its name, if it has one."""
    made_from = base_of(labels)
    name = made_from.name.rpartition("@")[0]
    base = existing(api, name)
    return base is None or _origin(base, name) == made_from


def build(api: APIClient, recipe: Recipe, options: Options, step: Callable[[str], None]) -> dict[str, Any]:
    """Build the image, whether it is there or not. ``step`` hears each step; what it raises ends the build.

    Raises BuildError with the failing step's last lines.
    """
    bases = recipe.bases
    for base in bases:
        _fetch(api, base, options.pull, step)
    origin = _origin(existing(api, bases[-1]) or {}, bases[-1])
    lines: list[str] = []
    answers = api.build(
        fileobj=_context(recipe, options), custom_context=True, tag=recipe.tag, rm=True, forcerm=True, decode=True,
        buildargs=dict(recipe.arguments), network_mode=options.network,
        labels={NAME: recipe.name, BASE: origin.name, ORIGIN: origin.origin, OVERRIDES: " ".join(recipe.overrides)},
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


_REMEDY = (
    "see `hangup images build --help` for other base images, mirrors, proxies and certificates; a run takes the same "
    "--build-arg"
)


def _failure(recipe: Recipe, lines: Sequence[str], error: str) -> str:
    tail = "\n    ".join(line for line in [*lines[-_LAST_LINES:], error.strip()] if line.strip())
    return f"building the image of the {recipe.title} failed:\n    {tail}\n  "


def _fetch(api: APIClient, base: str, again: bool, step: Callable[[str], None]) -> None:
    """Pull a base image, where it is not there or is to be asked for again."""
    import docker.errors

    if existing(api, base) is not None and not again:
        return
    step(f"pulling {base}")
    try:
        errors = [answer["error"] for answer in api.pull(base, stream=True, decode=True) if "error" in answer]
    except docker.errors.APIError as error:
        errors = [error.explanation]
    if errors:
        raise BuildError(f"{base} cannot be pulled: {errors[-1]}", _REMEDY)


def _origin(image: Mapping[str, Any], name: str) -> BaseImage:
    """A pulled image has a digest that a registry knows it by; one made here has only an id."""
    for known in sorted(image.get("RepoDigests") or ()):
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
