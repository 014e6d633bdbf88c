"""Building images: once for the same sources, with the failing step's words where it fails, and an honest origin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hangup.errors import BuildError, InputError
from hangup.labs.docker import images
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
def recipe(tmp_path: Path, api: APIClient) -> Iterator[images.Recipe]:
    """An image of one file, on the base that the peer's is made from."""
    (tmp_path / "note").write_text("one\n")
    base = images.base_of(images.build(api, images.peer_recipe(), images.Options(), lambda step: None)).name
    text = DOCKERFILE.format(base=base.partition("@")[0], command="cat note")
    recipe = images.Recipe("note", "note", tmp_path, ("note",), text)
    yield recipe
    for image in shelf(api, []):
        if image.tag.startswith(recipe.repository):
            api.remove_image(image.tag, force=True)


def build(api: APIClient, recipe: images.Recipe, **options: object) -> list[str]:
    """The steps that it took."""
    steps: list[str] = []
    images.build(api, recipe, images.Options(**options), steps.append)  # type: ignore[arg-type]
    return steps


def test_each_step_is_told_once(api: APIClient, recipe: images.Recipe) -> None:
    steps = [step for step in build(api, recipe) if "LABEL" not in step]
    assert [step.partition(" : ")[2].split()[0] for step in steps] == ["ARG", "ARG", "FROM", "COPY", "RUN"]


def test_a_step_that_fails_is_told_with_its_last_lines(api: APIClient, recipe: images.Recipe) -> None:
    text = recipe.dockerfile.replace("cat note", "echo the cause of it; exit 7")
    with pytest.raises(BuildError) as caught:
        build(api, replace(recipe, dockerfile=text))
    assert "building the image of the note failed" in caught.value.reason
    assert "the cause of it" in caught.value.reason
    assert "returned a non-zero code: 7" in caught.value.reason
    assert "Step 2/" not in caught.value.reason
    assert "hangup images build --help" in caught.value.remedy


def test_a_rebuild_that_fails_is_not_taken_for_the_image_before(api: APIClient, recipe: images.Recipe) -> None:
    picky = replace(recipe, dockerfile=recipe.dockerfile.replace("RUN cat note", "ARG WORD=\nRUN test ${WORD} = right"))
    build(api, picky, arguments={"WORD": "right"})
    with pytest.raises(BuildError, match="non-zero code"):
        build(api, picky, arguments={"WORD": "wrong"})


def test_a_base_that_cannot_be_pulled_is_named(api: APIClient, recipe: images.Recipe) -> None:
    with pytest.raises(BuildError, match=r"127\.0\.0\.1:1/none:1 cannot be pulled"):
        build(api, recipe, arguments={"BASE_IMAGE": "127.0.0.1:1/none:1"})


def test_an_argument_that_no_dockerfile_takes_is_refused(api: APIClient, recipe: images.Recipe) -> None:
    with pytest.raises(InputError, match="--build-arg COLOUR: the Dockerfile of note takes REGISTRY, BASE_IMAGE"):
        build(api, recipe, arguments={"COLOUR": "red"})


def test_the_origin_of_the_base_is_kept(api: APIClient, recipe: images.Recipe) -> None:
    build(api, recipe)
    found = images.existing(api, recipe.tag)
    assert found is not None
    base = images.base_of(found)
    name, _, digest = base.name.partition("@")
    known = images.existing(api, name)
    assert known is not None
    assert base.origin == ("pulled" if known["RepoDigests"] else "made locally")
    assert digest in (known["Id"], *(entry.partition("@")[2] for entry in known["RepoDigests"]))


def test_another_content_is_another_image(recipe: images.Recipe) -> None:
    first = recipe.tag
    (recipe.root / "note").write_text("two\n")
    assert recipe.tag != first


def test_certificates_reach_the_build_and_are_no_part_of_the_digest(api: APIClient, recipe: images.Recipe) -> None:
    trusting = replace(recipe, dockerfile=recipe.dockerfile.replace("COPY note .", "COPY note ca.pem ./"))
    build(api, trusting, ca="-----BEGIN CERTIFICATE-----\n")
    with pytest.raises(BuildError, match=r"ca\.pem"):
        build(api, trusting)


def test_prune_removes_the_images_of_older_sources_only(api: APIClient, recipe: images.Recipe) -> None:
    build(api, recipe)
    old = recipe.tag
    (recipe.root / "note").write_text("two\n")
    build(api, recipe)
    current = [recipe, images.peer_recipe()]
    assert {image.tag: image.current for image in shelf(api, current)}[old] is False
    assert old in prune(api, [*current, *_agents()], everything=False)
    tags = {image.tag for image in shelf(api, current)}
    assert old not in tags
    assert recipe.tag in tags


def _agents() -> list[images.Recipe]:
    from hangup import paths
    from hangup.agents.manifest import load_manifests

    return [images.agent_recipe(manifest) for manifest in load_manifests(paths.clients()).values()]


def test_what_no_image_needs_is_not_sent() -> None:
    for recipe in _agents():
        assert "client.toml" in recipe.files
        assert not [
            file for file in recipe.files if "__pycache__" in file or file.startswith((".", "target/", "site/"))
        ]
