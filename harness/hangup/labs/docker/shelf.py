"""The images that are there: which are of the sources as they are now, and which can go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hangup.labs.docker.images import BASE, NAME, ORIGIN, STAGE, Recipe

if TYPE_CHECKING:
    from docker import APIClient


@dataclass(frozen=True)
class Shelved:
    """One image of ours."""

    tag: str
    current: bool
    """Whether it is of the sources as they are."""
    megabytes: int
    base: str
    origin: str


def shelf(api: APIClient, recipes: Sequence[Recipe]) -> list[Shelved]:
    """All images of ours that have a name, by name."""
    current = {recipe.tag for recipe in recipes}
    found = [
        Shelved(tag, tag in current, int(image["Size"]) // 1_000_000, image["Labels"][BASE], image["Labels"][ORIGIN])
        for image in api.images(filters={"label": NAME})
        for tag in image["RepoTags"] or ()
        if tag.startswith("hangup-")
    ]
    return sorted(found, key=lambda image: image.tag)


def prune(api: APIClient, recipes: Sequence[Recipe], *, everything: bool) -> list[str]:
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
