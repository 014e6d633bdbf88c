"""``hangup images``: the images of the docker lab. A run builds what is missing; here they are made to order."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from hangup import paths
from hangup.agents.manifest import load_manifests
from hangup.cli.engine import with_engine
from hangup.errors import InputError
from hangup.labs.docker import images
from hangup.labs.docker.shelf import Shelved, prune, shelf
from hangup.names import unknown


@click.group("images")
def command() -> None:
    """Build, list and remove the images of the docker lab: one a language, and the peer's."""


def _recipes(names: tuple[str, ...] = ()) -> list[images.Recipe]:
    """Of these images, or of all. Raises InputError for a name that is none."""
    recipes = {images.PEER: images.peer_recipe()}
    recipes |= {name: images.agent_recipe(m) for name, m in load_manifests(paths.clients()).items()}
    for name in names:
        if name not in recipes:
            raise unknown("image", name, recipes)
    return [recipe for name, recipe in recipes.items() if not names or name in names]


@command.command("build")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--build-arg", "arguments", multiple=True, metavar="NAME=VALUE",
              help="A build argument: REGISTRY=mirror.example/library/, BASE_IMAGE=…, BUILD_IMAGE=…, HTTPS_PROXY=…; "
              "may be repeated.")  # fmt: skip
@click.option("--ca", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None, metavar="FILE",
              help="Certificates (PEM) that the build trusts besides its base's own.")  # fmt: skip
@click.option("--network", type=click.Choice(["host"]), default=None, help="Build with the machine's own network.")
@click.option("--pull", is_flag=True, help="Ask for newer base images, even where they are there.")
def build(names: tuple[str, ...], arguments: tuple[str, ...], ca: Path | None, network: str | None, pull: bool) -> None:
    """Build the images NAME (a language, or `peer`), or all of them.

    Runs use the images as they were built last, so another base image or version holds until its sources change.
    """
    options = images.Options(
        arguments=dict(_argument(text) for text in arguments),
        ca=ca.read_text(encoding="utf-8") if ca else "",
        network=network,
        pull=pull,
    )
    for recipe in _recipes(names):
        click.echo(f"{recipe.tag}", err=True)
        made = with_engine(lambda api, r=recipe: images.build(api, r, options, _tell))  # type: ignore[misc]
        base = images.base_of(made)
        click.echo(f"{recipe.tag} from {base.name} ({base.origin})")


def _tell(step: str) -> None:
    click.echo(f"  {step}", err=True)


def _argument(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise InputError(f"--build-arg {text}: write it as NAME=VALUE")
    return name, value


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def listing(as_json: bool) -> None:
    """The images that there are, with the base that each was really made from."""
    found = with_engine(lambda api: shelf(api, _recipes()))
    if as_json:
        click.echo(json.dumps([asdict(image) for image in found], indent=1))
    elif not found:
        click.echo("no images; `hangup images build` makes them, and so does `hangup run --lab docker`")
    else:
        _print(found)


def _print(found: list[Shelved]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("image", "of these sources", "MB", "made from"):
        table.add_column(heading, overflow="fold")
    for image in found:
        table.add_row(
            image.tag, "yes" if image.current else "no", str(image.megabytes), f"{image.base}, {image.origin}"
        )
    console = Console()
    if not console.is_terminal:
        console.width = 200
    console.print(table)


@command.command("prune")
@click.option("--all", "everything", is_flag=True, help="Also those of the sources as they are.")
def pruning(everything: bool) -> None:
    """Remove the images of sources that have changed since, and what builds left. Base images stay."""
    removed = with_engine(lambda api: prune(api, _recipes(), everything=everything))
    for tag in removed:
        click.echo(f"removed {tag}")
    if not removed:
        click.echo("nothing to remove")
