"""Options that several commands share, and the results folder that they read.

Labs and results are imported where they are asked for: a command that only may need them starts without.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from hangup.store import ClientResults

F = TypeVar("F", bound=Callable[..., Any])


def lab_option(function: F) -> F:
    """``--lab NAME``: where trials run."""
    from hangup.labs import LABS

    return click.option(
        "--lab", type=click.Choice(("auto", *LABS)), default="auto", show_default=True,
        help="Where trials run; auto: netns where it works, else loopback.",
    )(function)  # fmt: skip


def build_arg_option(function: F) -> F:
    """``--build-arg [IMAGE:]NAME=VALUE``: what an image of the docker lab is made of instead."""
    return click.option(
        "--build-arg", "build_args", multiple=True, metavar="[IMAGE:]NAME=VALUE",
        help="Docker lab: REGISTRY=mirror.example/library/, HTTPS_PROXY=…, or for one image "
        "python:BASE_IMAGE=…, java:BUILD_IMAGE=…; may be repeated.",
    )(function)  # fmt: skip


class KeepRuns(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.2
    """A number of runs; ``all`` gives None."""

    name = "N|all"

    def __init__(self, least: int) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Fails for anything else."""
        if value == "all":
            return None
        if isinstance(value, int):  # the default
            return value
        if value.isascii() and value.isdecimal() and len(value) < 10 and int(value) >= self._least:
            return int(value)
        return self.fail(f"{value!r} is neither `all` nor a number from {self._least} on", param, ctx)


KEPT = 5
"""The runs that are kept where the user does not say how many."""


def keep_runs_option(least: int) -> Callable[[F], F]:
    """``--keep-runs N``: how many runs stay in ``runs/``; None for all of them."""
    return click.option(
        "--keep-runs", "keep_runs", type=KeepRuns(least), default=KEPT, show_default=True, metavar="N|all",
        help="Keep the last N runs in runs/, and remove older ones.",
    )  # fmt: skip


def results_option(function: F) -> F:
    """``--results DIR``: the folder to read, default the published one."""
    return click.option(
        "--results", "results_dir", type=click.Path(path_type=Path, file_okay=False), default=None, metavar="DIR",
        help="Results folder to read (default: the published results).",
    )(function)  # fmt: skip


def read_results(results_dir: Path | None) -> list[ClientResults]:
    """All results of the folder, sorted by platform and client."""
    from hangup import paths
    from hangup.store import load_results

    return list(load_results(results_dir or paths.published_results()).values())
