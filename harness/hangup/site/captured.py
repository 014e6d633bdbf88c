"""What a run's folder adds to the site: of each cell one trial's ladder, and its packets as a file to download."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from hangup.capture import LINKTYPE_ETHERNET, SNAP
from hangup.conduct.rundir import Captured
from hangup.site.model import Site
from hangup.store import load_results
from hangup.store.drawings import Drawing, draw, drawable
from hangup.wire import PcapWriter


class Shown(NamedTuple):
    """By client and scenario."""

    drawings: Mapping[tuple[str, str], Drawing]
    files: Mapping[tuple[str, str], bytes]


def from_run(run: Path, site: Site) -> Shown:
    """Of the cells that the site and a run's folder both have, where the same versions ran.

    Raises StoreError where the folder cannot be read.
    """
    results = {
        r.client: r
        for r in load_results(run).values()
        if any(r.stack == published.stack for published in site.results.get(r.client, ()))
    }
    wanted = [cell for cell in site.entries if cell[0] in results and cell[1] in results[cell[0]].cells]
    drawings, files = {}, {}
    for trial, packets in drawable(run, wanted):
        cell = trial.client, trial.scenario
        drawings[cell] = draw(trial, packets, site.catalogue[trial.scenario], results[trial.client])
        files[cell] = pcap(packets)
    return Shown(drawings, files)


def pcap(packets: Iterable[Captured]) -> bytes:
    """A capture file of these packets."""
    stream = io.BytesIO()
    writer = PcapWriter(stream, LINKTYPE_ETHERNET, SNAP)
    for captured in packets:
        writer.write_frame(captured.frame)
    return stream.getvalue()
