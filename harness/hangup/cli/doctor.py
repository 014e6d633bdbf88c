"""``hangup doctor``: what this machine can run, before a run."""

from __future__ import annotations

import asyncio
import json
import platform
import sys
from dataclasses import asdict, dataclass

import click
from rich.console import Console

from hangup import __version__, paths
from hangup.agents.build import runtime_version
from hangup.agents.manifest import load_manifests
from hangup.errors import BuildError, LabError
from hangup.kernel import KernelUnreadable, ResetTrace
from hangup.labs import probe
from hangup.labs.choose import LABS
from hangup.labs.loopback import LoopbackLab
from hangup.labs.netns import NetnsLab


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    text: str


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(as_json: bool) -> None:
    """What this machine can run, and what is missing for the rest."""
    findings = asyncio.run(_look())
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
        return
    console = Console(highlight=False)
    console.print(f"hangup {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}")
    console.print(f"agents are built into {paths.cache() / 'agents'}, runs are kept in {paths.runs()}", soft_wrap=True)
    for finding in findings:
        mark = "[green]yes[/green]" if finding.ok else "[yellow]no [/yellow]"
        console.print(f"  {mark}  {finding.what:22}", end="")
        console.print(finding.text, soft_wrap=True, markup=False)


async def _look() -> list[Finding]:
    findings = []
    for name in LABS:
        why = await probe(name)
        findings.append(Finding(f"lab {name}", why is None, why or _LAB[name]))
    findings.append(await _loopback_capture())
    findings.append(_kernel())
    findings += await _network_faults()
    for manifest in load_manifests(paths.clients()).values():
        clients = ", ".join(manifest.clients)
        try:
            version = await runtime_version(manifest)
            findings.append(Finding(f"agent {manifest.language}", True, f"{version}: {clients}"))
        except BuildError as error:
            findings.append(Finding(f"agent {manifest.language}", False, f"{error} ({clients} will be skipped)"))
    return findings


_LAB = {
    "netns": "network namespaces of its own, with a router between client and peer; every trial is captured",
    "loopback": "127.0.0.1; scenarios that need a network of their own are skipped",
    "docker": "containers of pinned versions; needs no toolchain of this machine",
}


async def _network_faults() -> list[Finding]:
    """What the netns lab can do to the network, where it can be opened."""
    try:
        lab = await NetnsLab.start()
    except LabError:
        return []  # which is told above
    offers = lab.offers()
    await lab.close()
    firewall, translation, abort = (need in offers for need in ("firewall", "translation", "abort"))
    return [
        Finding("faults by a firewall", firewall, "nftables works" if firewall else
                "needs libnftables (install nftables) and nf_tables in the kernel: what needs it is skipped"),
        Finding("faults by a NAT", translation, "the router can translate, and forget" if translation else
                "needs libnftables (install nftables), nf_nat and ctnetlink in the kernel: what needs it is skipped"),
        Finding("faults by the kernel", abort, "it can abort a client's connection" if abort else
                "built without CONFIG_INET_DIAG_DESTROY: what needs it is skipped"),
    ]  # fmt: skip


async def _loopback_capture() -> Finding:
    lab = await LoopbackLab.start()
    captures = lab.capture is not None
    await lab.close()
    reason = "not permitted (CAP_NET_RAW)" if sys.platform == "linux" else f"not implemented on {platform.system()}"
    text = "permitted" if captures else f"{reason}: what the loopback lab measures is marked unproved"
    return Finding("capture on loopback", captures, text)


def _kernel() -> Finding:
    what = "kernel on resets"
    try:
        ResetTrace().close()
    except KernelUnreadable as why:
        return Finding(what, False, f"{why} (trials are valid without them)")
    return Finding(what, True, "read from tcp:tcp_send_reset, and kept with each trial")
