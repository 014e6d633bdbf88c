"""Building images: once for the same sources, with the failing step's words where it fails, and an honest origin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docker_driver import python_base

from hangup.errors import BuildError
from hangup.labs.docker import images
from hangup.labs.docker.recipes import PEER, Argument, Recipe, all_recipes
from hangup.labs.docker.shelf import prune, shelf

if TYPE_CHECKING:
    from docker import APIClient

DOCKERFILE = """\
ARG REGISTRY=
ARG BASE_IMAGE={base}
FROM ${{REGISTRY}}${{BASE_IMAGE}}
LABEL hangup.stage=build
COPY note .
RUN {command}
"""


@pytest.fixture
def recipe(tmp_path: Path, api: APIClient) -> Iterator[Recipe]:
    """An image of one file, on the base that the peer's is made from."""
    (tmp_path / "note").write_text("one\n")
    text = DOCKERFILE.format(base=python_base(api), command="cat note")
    recipe = Recipe("note", "note", tmp_path, ("note",), text)
    yield recipe
    for image in shelf(api, []):
        if image.tag.startswith(recipe.repository):
            api.remove_image(image.tag, force=True)


def given(recipe: Recipe, **arguments: str) -> Recipe:
    """As `--build-arg` has it."""
    return recipe.with_arguments(Argument(None, name, value) for name, value in arguments.items())


def build(api: APIClient, recipe: Recipe, **options: object) -> list[str]:
    """The steps that it took."""
    steps: list[str] = []
    images.build(api, recipe, images.Options(**options), steps.append)  # type: ignore[arg-type]
    return steps


def test_each_step_is_told_once(api: APIClient, recipe: Recipe) -> None:
    steps = [step for step in build(api, recipe) if "LABEL" not in step]
    assert [step.partition(" : ")[2].split()[0] for step in steps] == ["ARG", "ARG", "FROM", "COPY", "RUN"]


def test_a_step_that_fails_is_told_with_its_last_lines(api: APIClient, recipe: Recipe) -> None:
    text = recipe.dockerfile.replace("cat note", "echo the cause of it; exit 7")
    with pytest.raises(BuildError) as caught:
        build(api, replace(recipe, dockerfile=text))
    assert "building the image of the note failed" in caught.value.reason
    assert "the cause of it" in caught.value.reason
    assert "returned a non-zero code: 7" in caught.value.reason
    assert "Step 2/" not in caught.value.reason
    assert "hangup images build --help" in caught.value.remedy


def test_a_rebuild_that_fails_is_not_taken_for_the_image_before(api: APIClient, recipe: Recipe) -> None:
    picky = replace(
        recipe,
        dockerfile=recipe.dockerfile.replace("COPY note .\nRUN cat note", "COPY ca.pem .\nRUN grep right ca.pem"),
    )
    build(api, picky, ca="right\n")
    with pytest.raises(BuildError, match="non-zero code"):
        build(api, picky, ca="wrong\n")


def test_a_base_that_cannot_be_pulled_is_named(api: APIClient, recipe: Recipe) -> None:
    with pytest.raises(BuildError, match=r"127\.0\.0\.1:1/none:1 cannot be pulled"):
        build(api, given(recipe, BASE_IMAGE="127.0.0.1:1/none:1"))


@pytest.fixture
def other_base(api: APIClient, recipe: Recipe) -> Iterator[str]:
    """An image that is not the one that the recipe is made from, under a name of its own."""
    (base,) = recipe.bases
    name = "hangup-test-base:other"
    container = api.create_container(base, ["true"])
    try:
        api.commit(container, "hangup-test-base", "other", conf={"Env": ["OTHER=1"]})
    finally:
        api.remove_container(container)
    yield name
    api.remove_image(name, force=True)


def test_what_another_base_made_is_used_only_where_it_is_asked_for(
    api: APIClient, recipe: Recipe, other_base: str
) -> None:
    other = given(recipe, BASE_IMAGE=other_base)
    build(api, other)
    assert images.usable(api, recipe) is None, "a run without the argument must not take it"
    build(api, recipe)
    bases = {
        image.tag: (image.base.partition("@")[0], image.overrides, image.current) for image in shelf(api, [recipe])
    }
    assert bases[other.tag] == (other_base, f"BASE_IMAGE={other_base}", True)
    assert bases[recipe.tag] == (recipe.bases[0], "", True)
    for made in (recipe, other):
        found = images.usable(api, made)
        assert found is not None
        assert ("OTHER=1" in found["Config"]["Env"]) is (made is other)


def test_an_image_whose_base_has_changed_is_built_anew(api: APIClient, recipe: Recipe, other_base: str) -> None:
    repository, tag = "hangup-test-base", "moving"
    moving = given(recipe, BASE_IMAGE=f"{repository}:{tag}")
    api.tag(recipe.bases[0], repository, tag)
    try:
        build(api, moving)
        assert images.usable(api, moving) is not None
        api.tag(other_base, repository, tag)
        assert images.usable(api, moving) is None
        assert not {image.tag: image.current for image in shelf(api, [moving])}[moving.tag]
        build(api, moving)
        assert images.usable(api, moving) is not None
    finally:
        api.remove_image(f"{repository}:{tag}", force=True)
    assert images.usable(api, moving) is not None, "a base that is gone does not make it another image"


def test_the_origin_of_the_base_is_kept(api: APIClient, recipe: Recipe) -> None:
    build(api, recipe)
    found = images.existing(api, recipe.tag)
    assert found is not None
    base = images.base_of(found["Config"]["Labels"])
    name, _, digest = base.name.partition("@")
    known = images.existing(api, name)
    assert known is not None
    assert base.origin == ("pulled" if known["RepoDigests"] else "made locally")
    assert digest in (known["Id"], *(entry.partition("@")[2] for entry in known["RepoDigests"]))


def test_another_content_is_another_image(recipe: Recipe) -> None:
    first = recipe.tag
    (recipe.root / "note").write_text("two\n")
    assert recipe.tag != first


def test_certificates_reach_the_build_and_are_no_part_of_the_digest(api: APIClient, recipe: Recipe) -> None:
    trusting = replace(recipe, dockerfile=recipe.dockerfile.replace("COPY note .", "COPY note ca.pem ./"))
    build(api, trusting, ca="-----BEGIN CERTIFICATE-----\n")
    with pytest.raises(BuildError, match=r"ca\.pem"):
        build(api, trusting)


def test_prune_removes_the_images_of_older_sources_only(api: APIClient, recipe: Recipe) -> None:
    build(api, recipe)
    old = recipe.tag
    (recipe.root / "note").write_text("two\n")
    build(api, recipe)
    current = [recipe, *all_recipes().values()]
    assert {image.tag: image.current for image in shelf(api, current)}[old] is False
    assert old in prune(api, current, everything=False)
    tags = {image.tag for image in shelf(api, current)}
    assert old not in tags
    assert recipe.tag in tags


def test_what_no_image_needs_is_not_sent() -> None:
    for name, recipe in all_recipes().items():
        assert "client.toml" in recipe.files or name == PEER
        assert not [
            file for file in recipe.files if "__pycache__" in file or file.startswith((".", "target/", "site/"))
        ]
