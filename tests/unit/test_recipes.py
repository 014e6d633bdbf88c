"""Recipes of images: what they are made of names them, and a build argument is for what it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hangup.errors import InputError
from hangup.labs.docker.recipes import Argument, Recipe, checked_arguments, sources_of

DOCKERFILE = """\
ARG REGISTRY=
ARG BUILD_IMAGE=maker:1
ARG BASE_IMAGE=base:1
FROM ${REGISTRY}${BUILD_IMAGE} AS build
FROM ${REGISTRY}${BASE_IMAGE}
"""


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Recipe]:
    """Two images; the second has no stage before its last."""
    (tmp_path / "note").write_text("one\n")
    short = DOCKERFILE.replace("ARG BUILD_IMAGE=maker:1\n", "").replace("FROM ${REGISTRY}${BUILD_IMAGE} AS build\n", "")
    return {
        "long": Recipe("long", "Long", tmp_path, ("note",), DOCKERFILE),
        "short": Recipe("short", "Short", tmp_path, ("note",), short),
    }


def custom(recipe: Recipe, *texts: str) -> Recipe:
    return recipe.with_arguments(checked_arguments(texts, {recipe.name: recipe}))


def test_an_argument_is_read_with_the_image_that_it_is_for() -> None:
    assert Argument.parse("REGISTRY=mirror.example:5000/library/") == (
        Argument(None, "REGISTRY", "mirror.example:5000/library/")
    )
    assert Argument.parse("python:BASE_IMAGE=python:3.13=x") == Argument("python", "BASE_IMAGE", "python:3.13=x")
    assert Argument.parse("REGISTRY=") == Argument(None, "REGISTRY", "")


@pytest.mark.parametrize("text", ["REGISTRY", "=x", ":REGISTRY=x", "python:=x", "a:b:C=x"])
def test_what_is_no_argument_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="write it as NAME=VALUE, or as IMAGE:NAME=VALUE"):
        Argument.parse(text)


def test_another_base_is_another_image_of_the_same_sources(made: dict[str, Recipe]) -> None:
    plain = made["long"]
    tags = {plain.tag}
    for text in ("BASE_IMAGE=base:2", "BASE_IMAGE=base:3", "BUILD_IMAGE=base:2", "REGISTRY=mirror/"):
        other = custom(plain, text)
        assert other.overrides == [text]
        assert sources_of(other.tag) == plain.sources == plain.tag
        tags.add(other.tag)
    assert len(tags) == 5


def test_the_order_of_arguments_makes_no_other_image(made: dict[str, Recipe]) -> None:
    texts = ("BASE_IMAGE=base:2", "REGISTRY=mirror/")
    assert custom(made["long"], *texts).tag == custom(made["long"], *reversed(texts)).tag


def test_what_makes_no_difference_makes_no_other_image(made: dict[str, Recipe]) -> None:
    same = custom(made["long"], "BASE_IMAGE=base:1", "HTTPS_PROXY=http://proxy.example", "http_proxy=x")
    assert same.tag == made["long"].tag
    assert same.arguments["HTTPS_PROXY"] == "http://proxy.example"


def test_other_sources_are_other_images(made: dict[str, Recipe]) -> None:
    recipe, tag = made["long"], made["long"].tag
    (recipe.root / "note").write_text("two\n")
    assert recipe.tag != tag
    assert replace(recipe, dockerfile=DOCKERFILE + "\n").tag != recipe.tag


def test_bases_are_what_the_from_lines_name(made: dict[str, Recipe]) -> None:
    assert made["long"].bases == ["maker:1", "base:1"]
    assert custom(made["long"], "REGISTRY=mirror/", "BASE_IMAGE=base:2").bases == ["mirror/maker:1", "mirror/base:2"]


def test_an_argument_is_for_one_image_or_for_all(made: dict[str, Recipe]) -> None:
    arguments = checked_arguments(["REGISTRY=mirror/", "long:BASE_IMAGE=base:2"], made)
    assert made["long"].with_arguments(arguments).bases == ["mirror/maker:1", "mirror/base:2"]
    assert made["short"].with_arguments(arguments).bases == ["mirror/base:1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("BASE_IMAGE=base:2", "--build-arg BASE_IMAGE: say for which image, as in short:BASE_IMAGE=base:2"),
        ("python:BASE_IMAGE=x", "no image is named 'python': there are long, short"),
        ("short:BUILD_IMAGE=x", "--build-arg BUILD_IMAGE: the Dockerfile of short takes REGISTRY, BASE_IMAGE"),
    ],
)
def test_what_no_image_takes_is_refused(made: dict[str, Recipe], text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        checked_arguments([text], made)
    assert str(caught.value) == words
