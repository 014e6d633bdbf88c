"""``hangup serve``: the peer of one scenario alone, for a client of your own."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from hangup.catalogue import Scenario, Step, load_catalogue
from hangup.errors import InputError
from hangup.labs.certificates import Certificates
from hangup.labs.temporary import make_folder
from hangup.names import unknown
from hangup_server.__main__ import main as run_server
from hangup_server.steps.listening import Accept, Serve, StopListening
from hangup_server.tls import CERTIFICATE


@click.command("serve")
@click.argument("scenario")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free one.")
@click.option("--host", default="127.0.0.1", show_default=True)
def command(scenario: str, port: int, host: str) -> int:
    """Play the peer's part of SCENARIO to every client that connects, until Ctrl+C.

    Point your own client at it and see what it reports. What the script waits for at the client's side (that a FIN has
    arrived, say) is not waited for here, and the server goes on listening where the script's server would not. Over
    TLS it has a certificate made for this run, unless HANGUP_CERTIFICATE names a PEM file with a key and chain.
    """
    catalogue = load_catalogue()
    if scenario not in catalogue:
        raise unknown("scenario", scenario, catalogue)
    why = refusal(catalogue[scenario])
    if why is not None:
        raise InputError(f"{scenario}: {why}")
    steps = served(catalogue[scenario])
    with ExitStack() as stack:
        folder = make_folder("hangup-serve-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if "tls" in catalogue[scenario].features and CERTIFICATE not in os.environ:
            os.environ[CERTIFICATE] = str(_certify(host, stack))
        file = Path(folder, f"{scenario}.json")
        file.write_text(json.dumps(steps), encoding="utf-8")
        return run_server(["--steps", str(file), "--port", str(port), "--host", host])


def refusal(scenario: Scenario) -> str | None:
    """Why the scenario's ending is not one that the peer alone can make, and what to do instead; None where it is."""
    lab = " --lab docker" if {"containers", "published"} & {*scenario.needs} else ""
    instead = f"watch it with `hangup play {scenario.id} --client CLIENT{lab}`"
    actors = {step.actor for step in scenario.flat}
    if "container" in actors:
        return f"only an engine can end a container; {instead}"
    if "network" in actors:
        return f"the network makes this ending, or a part of it, and a server cannot; {instead}"
    if all(step.act != Accept.name for step in scenario.flat if step.actor == "peer"):
        return f"its peer accepts no connection, and a server accepts them all; {instead}"
    return None


def served(scenario: Scenario) -> list[dict[str, Any]]:
    """What is done on each connection, as the server reads it."""
    steps: list[Step] = []
    for step in scenario.flat:
        if step.actor != "peer" or step.act == StopListening.name:
            continue
        if step.act == Serve.name:
            steps += scenario.further_steps
        else:
            steps.append(step)
    return [{"step": step.act, **step.params} for step in steps]


def _certify(host: str, stack: ExitStack) -> Path:
    """A certificate that lasts as long as the stack; tells whom a client has to trust for it."""
    try:
        certificates = Certificates(host, "localhost")
    except ValueError as error:
        raise InputError(f"--host {host}: no certificate can be made for it: {error}") from None
    stack.callback(certificates.remove)
    click.echo(f"its certificate is for {host} and localhost; the authority to trust is in {certificates.ca}", err=True)
    return certificates.peer
