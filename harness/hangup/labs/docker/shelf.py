"""The images that are there: which are of the sources as they are now, and which can go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hangup.labs.docker.images import BASE, NAME, ORIGIN, OVERRIDES, STAGE, base_of, on_its_base
from hangup.labs.docker.recipes import PREFIX, Recipe, sources_of

if TYPE_CHECKING:
    from docker import APIClient


@dataclass(frozen=True)
class Shelved:
    """One image of ours."""

    tag: str
    current: bool
    """Whether a run would use it: it is of the sources as they are, and its base is still what goes by that name."""
    megabytes: int
    base: str
    origin: str
    overrides: str
    """The build arguments that it was made with, ``NAME=VALUE …``; a run uses it where it is given the same."""


def shelf(api: APIClient, recipes: Iterable[Recipe]) -> list[Shelved]:
    """All images of ours that have a name, by name."""
    sources = {recipe.sources for recipe in recipes}
    found = []
    for image in api.images(filters={"label": [NAME, BASE, ORIGIN]}):
        labels, megabytes = image["Labels"], int(image["Size"]) // 1_000_000
        base, fresh = base_of(labels), on_its_base(api, labels)
        found += [
            Shelved(
                tag, fresh and sources_of(tag) in sources, megabytes, base.name, base.origin, labels.get(OVERRIDES, "")
            )
            for tag in image["RepoTags"] or ()
            if tag.startswith(f"{PREFIX}{labels[NAME]}:")  # what others make from an image of ours has its labels, too
        ]
    return sorted(found, key=lambda image: image.tag)


def prune(api: APIClient, recipes: Iterable[Recipe], *, everything: bool) -> list[str]:
    """Remove images of other sources, or all, and what builds have left; their names. One in use stays."""
    import docker.errors

    removed = []
    for image in shelf(api, recipes):
        if image.current and not everything:
            continue
        try:
            api.remove_image(image.tag)
        except docker.errors.APIError as error:
            if error.status_code != 409:  # a container is made from it
                raise
            continue
        removed.append(image.tag)
    for label in (NAME, STAGE):
        left = api.prune_images(filters={"dangling": True, "label": label})  # type: ignore[no-untyped-call]
        removed += [entry["Deleted"] for entry in left["ImagesDeleted"] or () if "Deleted" in entry]
    return removed
