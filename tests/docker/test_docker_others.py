"""What is not hangup's, or another run's that goes on, stays as it is, however much it looks like a leftover."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docker_driver import RUN, python_base

from hangup.labs.docker import images
from hangup.labs.docker.leftovers import Owner, remove_run, sweep
from hangup.labs.docker.recipes import Recipe, all_recipes
from hangup.labs.docker.shelf import prune

if TYPE_CHECKING:
    from docker import APIClient


class Others:
    """Somebody else, who makes containers, networks and images, and takes all of them away in the end."""

    def __init__(self, api: APIClient) -> None:
        self._api = api
        self._base = python_base(api)
        self._made: list[tuple[str, str]] = []

    def container(self, name: str, image: str | None = None, **labels: str) -> str:
        """One that is not started."""
        made = str(self._api.create_container(image or self._base, ["sleep", "600"], name=name, labels=labels)["Id"])
        self._made.append(("container", made))
        return made

    def network(self, name: str, **labels: str) -> str:
        made = str(self._api.create_network(name, labels=labels)["Id"])
        self._made.append(("network", made))
        return made

    def image(self, base: str, tag: str) -> str:
        """One that is made from another, whose labels it has."""
        container = self._api.create_container(base, ["true"])["Id"]
        self._api.commit(container, *tag.split(":"))
        self._api.remove_container(container)
        self._made.append(("image", tag))
        return tag

    def tag(self, image: str, tag: str) -> str:
        self._api.tag(image, *tag.split(":"))
        self._made.append(("image", tag))
        return tag

    def leave(self) -> None:
        import docker.errors

        for kind, name in sorted(self._made):  # containers, images, networks
            with suppress(docker.errors.NotFound):
                if kind == "container":
                    self._api.remove_container(name, force=True)
                elif kind == "image":
                    self._api.remove_image(name)
                else:
                    self._api.remove_network(name)


@pytest.fixture
def others(api: APIClient) -> Iterator[Others]:
    others = Others(api)
    yield others
    others.leave()


@pytest.fixture
def abandoned(api: APIClient, tmp_path: Path) -> Iterator[Recipe]:
    """An image of ours, of sources that are no more."""
    text = f"ARG BASE_IMAGE={python_base(api)}\nFROM ${{BASE_IMAGE}}\nENV ABANDONED=1\n"
    recipe = Recipe("abandoned", "abandoned", tmp_path, (), text)
    images.build(api, recipe, images.Options(), lambda step: None)
    yield recipe
    if recipe.tag in _tags(api):
        api.remove_image(recipe.tag)


def _containers(api: APIClient) -> set[str]:
    return {found["Id"] for found in api.containers(all=True)}


def _networks(api: APIClient) -> set[str]:
    return {found["Id"] for found in api.networks()}


def _tags(api: APIClient) -> set[str]:
    return {tag for image in api.images() for tag in image["RepoTags"] or ()}


def test_what_only_has_our_names_or_one_of_our_labels_is_left_alone(api: APIClient, others: Others) -> None:
    containers = {
        others.container("hangup-0123abcd-peer-1"),
        others.container("hangup-0123abcd-client-host", hangup="1"),
        others.container("somebody-elses", **{RUN: "0123abcd"}),
    }
    networks = {others.network("hangup-0123abcd"), others.network("somebody-elses", **{RUN: "0123abcd"})}
    with tempfile.TemporaryDirectory(prefix="hangup-docker-") as folder:
        swept = sweep(api)
        assert Path(folder).is_dir()
    assert containers <= _containers(api)
    assert networks <= _networks(api)
    assert not {"hangup-0123abcd", "somebody-elses"} & {*swept.networks, *swept.in_use}


def test_what_a_run_that_goes_on_owns_is_left_alone(api: APIClient, others: Others) -> None:
    alive, dead = Owner(), Owner()
    dead.release()
    mine = {others.container(f"hangup-{alive.run}-peer-1", **alive.labels)}
    theirs = {others.container(f"hangup-{dead.run}-peer-1", **dead.labels)}
    try:
        swept = sweep(api)
        assert f"hangup-{dead.run}-peer-1" in swept.containers
        assert mine <= _containers(api)
        assert not theirs & _containers(api)
        assert alive.folder.is_dir()
    finally:
        remove_run(api, alive.run)
        alive.release()
    assert not mine & _containers(api)


def test_a_network_that_others_are_in_is_theirs_to_leave(api: APIClient, others: Others) -> None:
    dead = Owner()
    dead.release()
    name = f"hangup-{dead.run}"
    network = others.network(name, **dead.labels)
    guest = others.container("somebody-elses-guest")
    api.connect_container_to_network(guest, network)
    api.start(guest)
    assert sweep(api).in_use == [name], "and a run that sweeps first is not kept from beginning"
    assert guest in api.inspect_network(network)["Containers"]
    api.kill(guest)
    api.wait(guest)
    swept = sweep(api)
    assert (swept.networks, swept.in_use) == ([name], [])
    assert network not in _networks(api)


def test_prune_leaves_alone_what_others_made_from_ours(api: APIClient, abandoned: Recipe, others: Others) -> None:
    theirs = {
        others.image(abandoned.tag, "somebody-elses:1"),
        others.image(abandoned.tag, f"hangup-mine-of-{abandoned.name}:1"),
        others.tag(python_base(api), f"{abandoned.repository}:in-name-only"),
    }
    removed = prune(api, all_recipes().values(), everything=False)
    assert abandoned.tag in removed
    assert not theirs & {*removed}
    assert theirs <= _tags(api)
    assert images.usable(api, abandoned) is None


def test_prune_leaves_alone_what_a_container_is_made_from(api: APIClient, abandoned: Recipe, others: Others) -> None:
    container = others.container("hangup-in-use", image=abandoned.tag)
    assert abandoned.tag not in prune(api, all_recipes().values(), everything=False)
    assert container in _containers(api)
    assert images.usable(api, abandoned) is not None
