"""The sessions of hangup: ``nox -l`` lists them. Slow ones are not run by a bare ``nox``."""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "tests"]
nox.options.reuse_existing_virtualenvs = True

ROOT = Path(__file__).parent
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
AXE_CORE = "axe-core@4.14.1"
GROUPS = nox.project.load_toml("pyproject.toml")["dependency-groups"]


def install(session: nox.Session, *groups: str) -> None:
    """The project, editable, with the tools of these dependency groups."""
    session.install("--editable", ".", *(requirement for group in groups for requirement in GROUPS[group]))


@nox.session
def tests(session: nox.Session) -> None:
    """Unit tests, and the lab tests with real clients: `nox -s tests -- tests/unit` for the quick part."""
    install(session, "test")
    session.run("pytest", "-m", "not docker and not browser", *session.posargs)


@nox.session
def tests_docker(session: nox.Session) -> None:
    """The docker lab, with real containers; skipped by name where no engine answers."""
    install(session, "test")
    session.run("pytest", "tests/docker", *session.posargs)


@nox.session
def tests_site(session: nox.Session) -> None:
    """The built site in headless chromium, with axe-core; skipped by name where there is no chromium."""
    install(session, "test", "browser")
    tools = session.create_tmp()
    session.run("npm", "install", "--silent", "--no-save", "--prefix", tools, AXE_CORE, external=True)
    axe = Path(tools) / "node_modules" / "axe-core" / "axe.min.js"
    session.run("pytest", "tests/site", *session.posargs, env={"AXE_CORE": str(axe)})


@nox.session
def matrix(session: nox.Session) -> None:
    """Run all clients in all scenarios and publish into results/: `nox -s matrix -- --lab docker --client 'go/*'`."""
    session.install("--editable", ".[docker]")
    session.run("hangup", "run", "--out", "results", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """Build the site from the committed results, into build/site: `-- --run runs/…` adds the packets of a run."""
    session.install("--editable", ".[site]")
    session.run("hangup", "site", "build", "build/site", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff, mypy, generated files; for Go, Node and the workflows where Go and Node are there."""
    install(session, "test", "lint")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("python", "tests/generated.py")
    if shutil.which("go"):
        with session.chdir("clients/go"):
            unformatted = session.run("gofmt", "-l", ".", external=True, silent=True)
            if unformatted:
                session.error(f"not as gofmt writes it: {unformatted}")
            session.run("go", "vet", "./...", external=True)
            session.run("go", "test", "./...", external=True)
        session.run("go", "run", ACTIONLINT, "-shellcheck=", "-pyflakes=", external=True)
    if shutil.which("node"):
        for source in sorted(Path("clients/node").rglob("*.js")):
            session.run("node", "--check", str(source), external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Print how fast a part is, against the naive way: `nox -s bench -- docker` (lookup, site, diagnose …)."""
    session.install("--editable", ".[docker,site]", *GROUPS["browser"])
    session.run("python", "tests/bench.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Feed `hangup diagnose` with rubbish, for two minutes or as told: `nox -s fuzz -- -max_total_time=3600`."""
    install(session, "fuzz")
    corpus = Path(session.create_tmp()) / "corpus"
    session.run("python", "tests/fuzz/seeds.py", str(corpus), env={"PYTHONPATH": "tests:tests/unit/wire"})
    session.run("python", "tests/fuzz/fuzz_diagnose.py", *(session.posargs or ["-max_total_time=120"]), str(corpus))


@nox.session
def mutants(session: nox.Session) -> None:
    """Make each small change of tests/mutants/mutants.toml, that tests must notice: `nox -s mutants -- 'reset-*'`."""
    install(session, "test")
    session.run("python", "tests/mutants/run.py", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheel, install it elsewhere, and use it from there."""
    install(session, "build")
    dist = Path(session.create_tmp()) / "dist"
    session.run("python", "-m", "build", "--outdir", str(dist), str(ROOT))
    (wheel,) = dist.glob("*.whl")
    session.install("--force-reinstall", f"{wheel}[site]")
    elsewhere = Path(session.create_tmp()) / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    with session.chdir(elsewhere):
        session.run("hangup", "list", "clients")
        session.run("hangup", "show", "python/socket", "rst-before-response")
        session.run("hangup", "lookup", "Error: socket hang up")
        session.run("hangup", "site", "build", "site")
        session.run(
            "hangup",
            "run",
            "--client",
            "python/socket",
            "--scenario",
            "rst-*",
            "--trials",
            "2",
            "--out",
            "out",
        )
        session.run("hangup", "table", "--results", "out")
