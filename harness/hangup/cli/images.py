"""``hangup images``: the images of the docker lab. A run builds what is missing; here they are made to order."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from hangup.cli.engine import with_engine
from hangup.cli.options import build_arg_option
from hangup.labs.docker import images
from hangup.labs.docker.recipes import all_recipes, check_name, checked_arguments
from hangup.labs.docker.shelf import Shelved, prune, shelf

if TYPE_CHECKING:
    from docker import APIClient


@click.group("images")
def command() -> None:
    """Build, list and remove the images of the docker lab: one a language, and the peer's."""


@command.command("build")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@build_arg_option
@click.option("--ca", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None, metavar="FILE",
              help="Certificates (PEM) that the build trusts besides its base's own.")  # fmt: skip
@click.option("--network", type=click.Choice(["host"]), default=None, help="Build with the machine's own network.")
@click.option("--pull", is_flag=True, help="Ask for newer base images, even where they are there.")
def build(
    names: tuple[str, ...], build_args: tuple[str, ...], ca: Path | None, network: str | None, pull: bool
) -> None:
    """Build the images NAME (a language, or `peer`), or all of them.

    Each --build-arg makes an image of its own beside the default one; a run uses it where it is given the same.
    """
    options = images.Options(ca=ca.read_text(encoding="utf-8") if ca else "", network=network, pull=pull)
    with_engine(lambda api: _build(api, names, build_args, options))


def _build(api: APIClient, names: tuple[str, ...], build_args: tuple[str, ...], options: images.Options) -> None:
    recipes = all_recipes()
    for name in names:
        check_name(name, recipes)
    chosen = {name: recipe for name, recipe in recipes.items() if not names or name in names}
    arguments = checked_arguments(build_args, chosen)
    for recipe in chosen.values():
        customised = recipe.with_arguments(arguments)
        click.echo(f"{customised.tag}", err=True)
        made = images.build(api, customised, options, _tell)
        base = images.base_of(made["Config"]["Labels"])
        click.echo(f"{customised.tag} from {base.name} ({base.origin})")


def _tell(step: str) -> None:
    click.echo(f"  {step}", err=True)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def listing(as_json: bool) -> None:
    """The images that there are, with the base that each was really made from, and by which --build-arg.

    Current is what a run uses: made of the sources as they are, on the base as the engine has it.
    """
    found = with_engine(lambda api: shelf(api, all_recipes().values()))
    if as_json:
        click.echo(json.dumps([asdict(image) for image in found], indent=1))
    elif not found:
        click.echo("no images; `hangup images build` makes them, and so does `hangup run --lab docker`")
    else:
        _print(found)


def _print(found: list[Shelved]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("image", "current", "MB", "made from", "--build-arg"):
        table.add_column(heading, overflow="fold")
    for image in found:
        table.add_row(
            image.tag, "yes" if image.current else "no", str(image.megabytes), f"{image.base}, {image.origin}",
            image.overrides,
        )  # fmt: skip
    console = Console()
    if not console.is_terminal:
        console.width = 200
    console.print(table)


@command.command("prune")
@click.option("--all", "everything", is_flag=True, help="Also the current ones.")
def pruning(everything: bool) -> None:
    """Remove the images whose sources or base have changed since, and what builds left. Base images stay."""
    removed = with_engine(lambda api: prune(api, all_recipes().values(), everything=everything))
    for tag in removed:
        click.echo(f"removed {tag}")
    if not removed:
        click.echo("nothing to remove")
