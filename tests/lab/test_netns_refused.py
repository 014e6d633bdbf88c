"""Where the machine keeps ordinary users from network namespaces, hangup says which setting does, and how to go on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from driving import copy_checkout

pytestmark = pytest.mark.lab

FORBIDDEN = (
    "the netns lab is not permitted here: unshare: unshare failed: No space left on device; user.max_user_namespaces "
    "is 0, which forbids it to ordinary users: run as root, or `sudo sysctl user.max_user_namespaces=10000`, or use "
    "--lab loopback"
)
FORBID = 'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"'
"""In a user namespace of its own, whose setting this is; and then without the rights that make it more than a user."""


def restricted(sources: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`hangup run` where no user namespace can be made, from a copy of the sources, where it leaves its files."""
    copy_checkout(sources)
    if any(shutil.which(tool) is None for tool in ("unshare", "setpriv")):
        pytest.skip("unshare or setpriv is not installed")
    inside = ["unshare", "--user", "--map-root-user", "sh", "-c", FORBID, "sh"]
    probe = subprocess.run([*inside, "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"no user namespaces here: {probe.stderr.strip()}")
    packages = os.pathsep.join(str(sources / name) for name in ("harness", "server"))
    return subprocess.run(
        [*inside, sys.executable, "-m", "hangup", "run", "--client", "python/socket", "--trials", "1", *arguments],
        env=os.environ | {"PYTHONPATH": packages}, cwd=sources,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_setting_is_named_and_what_undoes_it(tmp_path: Path) -> None:
    done = restricted(tmp_path, "--lab", "netns", "--scenario", "normal")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"hangup: error: {FORBIDDEN}\n")


def test_a_lab_that_is_passed_over_is_told_with_the_reason(tmp_path: Path) -> None:
    done = restricted(tmp_path, "--scenario", "normal")
    assert done.returncode == 0, done.stderr
    assert f"--lab auto took loopback: {FORBIDDEN}" in done.stderr.splitlines()
