"""``clients/<language>/client.toml``: what the harness needs to know to build and start an agent."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hangup.agents.protocol import CA, ClientId, Layer
from hangup.errors import InputError
from hangup.reading import complaint, read_toml


class ClientEntry(BaseModel):
    """One client of a language: its layer, the one file it lives in, and its own documentation."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    layer: Layer
    file: str
    reuses: bool = True
    """Whether it may use a connection for a second exchange; where not, scenarios with two are not for it."""
    docs: str = Field(pattern="^https://")


class Manifest(BaseModel):
    """One agent. In a command ``{python}`` stands for the interpreter that runs the harness."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    folder: Path
    language: str = Field(pattern="^[a-z0-9]+$")
    title: str
    version: tuple[str, ...] = Field(min_length=1)
    """The command that prints the runtime's version."""
    minimum: str = Field(pattern=r"^\d+(\.\d+)*$")
    remedy: str
    requires: tuple[str, ...] = ()
    """Further programs that the build needs on PATH."""
    build: tuple[tuple[str, ...], ...]
    run: tuple[str, ...] = Field(min_length=1)
    env: dict[str, str] = {}
    """Beside what every agent is given; ``{ca}`` stands for the file with the authority to trust."""
    clients: dict[ClientId, ClientEntry] = Field(min_length=1)

    def environment(self, ca: str) -> dict[str, str]:
        """What its agent finds in its environment. ``ca``: the file's path, as the agent sees it."""
        return {CA: ca} | {name: value.replace("{ca}", ca) for name, value in self.env.items()}

    @property
    def single(self) -> frozenset[str]:
        """The clients that open a connection for each exchange."""
        return frozenset(name for name, entry in self.clients.items() if not entry.reuses)

    @model_validator(mode="after")
    def _one_language(self) -> Manifest:
        if self.folder.name != self.language:
            raise ValueError(f"language is {self.language!r}, but the folder is named {self.folder.name!r}")
        for name, entry in self.clients.items():
            if name.partition("/")[0] != self.language:
                raise ValueError(f"client {name!r} does not begin with {self.language}/")
            if not (self.folder / entry.file).is_file():
                raise ValueError(f"client {name!r}: no file {entry.file!r} in {self.folder}")
        return self


def load_manifest(folder: Path) -> Manifest:
    """The manifest of one language's folder. Raises InputError that names the file and what is wrong in it."""
    path = folder / "client.toml"
    try:
        return Manifest.model_validate({**read_toml(path), "folder": folder})
    except ValidationError as error:
        raise InputError(f"{path}: {complaint(error)}") from None


def load_manifests(root: Path) -> dict[str, Manifest]:
    """All agents by language: every folder of ``root`` with a client.toml. Languages and clients sorted by name."""
    manifests = {path.parent.name: load_manifest(path.parent) for path in sorted(root.glob("*/client.toml"))}
    if not manifests:
        raise InputError(f"{root}: no client folders (with a client.toml) there")
    return manifests
