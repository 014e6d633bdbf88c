"""``hangup site``: the published matrix as a site of static files."""

from __future__ import annotations

import time
from pathlib import Path

import click

from hangup import paths
from hangup.agents.manifest import load_manifests
from hangup.catalogue import load_catalogue
from hangup.cli.options import read_results, results_option
from hangup.errors import InputError
from hangup.store import load_kernel
from hangup.store.drawings import load_drawings


@click.group("site")
def command() -> None:
    """The published matrix as a site to read, search and cite: static files that open from a folder."""


@command.command("build")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@results_option
@click.option("--run", "runs", multiple=True, type=click.Path(path_type=Path, file_okay=False, exists=True),
              metavar="DIR", help="A run whose packets are shown, with captures; may be repeated.")  # fmt: skip
@click.option("--base-url", metavar="URL", envvar="HANGUP_SITE", default=None, show_envvar=True,
              help="Where the site will be, for the addresses in citations.")  # fmt: skip
def build(folder: Path, results_dir: Path | None, runs: tuple[Path, ...], base_url: str | None) -> None:
    """Write the site into DIR, a new folder or one that holds a site."""
    try:
        from hangup.site.build import Extras, build
    except ImportError as error:
        if error.name not in ("jinja2", "markupsafe"):
            raise
        raise InputError("the site is made with Jinja2, which is not installed: pip install 'hangup[site]'") from None
    from hangup.lookup.build import build as index
    from hangup.site.captured import from_run
    from hangup.site.model import join

    started = time.monotonic()
    _check(folder, base_url)
    catalogue = load_catalogue()
    root = results_dir or paths.published_results()
    results = read_results(results_dir)
    site = join(results, catalogue, load_kernel(root))
    drawings = {(d.platform, d.client, d.scenario): d for d in load_drawings(root, catalogue)}
    files: dict[tuple[str, str], bytes] = {}
    for run in runs:
        found = from_run(run, site)
        if not found.files:
            raise InputError(f"--run {run}: it has no valid trial of the versions that {root} was measured on")
        drawings |= {(d.platform, d.client, d.scenario): d for d in found.drawings.values()}
        files |= found.files
    docs = {name: entry.docs for m in load_manifests(paths.clients()).values() for name, entry in m.clients.items()}
    url = base_url.rstrip("/") + "/" if base_url else None
    written = build(folder, site, Extras(index(results, catalogue), url, docs, tuple(drawings.values()), files))
    click.echo(f"{folder / 'index.html'}: {written} files in {time.monotonic() - started:.1f} s")


def _check(folder: Path, base_url: str | None) -> None:
    """Raises InputError for a folder that holds something else, and for what is no address."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "assets" / "site.css").is_file():
        raise InputError(f"{folder}: holds files that are no site of hangup's; give a new folder")
    if base_url is not None and not base_url.startswith(("https://", "http://")):
        raise InputError(f"--base-url {base_url}: must begin with https:// or http://")
