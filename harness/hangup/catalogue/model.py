"""What a scenario is: a script, what the wire must show of it, and why anybody should care."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)

from hangup.agents.protocol import Feature, Layer
from hangup.catalogue import script
from hangup.catalogue.script import ACTORS, BEGINS_CONNECTION, Actor

ConnState = Literal[
    "SF", "S0", "S1", "S2", "S3", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"
]  # fmt: skip
Need = Literal["net", "hold"]
ParameterValue = StrictBool | StrictInt | StrictStr


class Model(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(Model):
    """One act of one actor. It starts when the step before it is done."""

    actor: Actor
    act: str
    params: dict[str, ParameterValue] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_table(cls, table: Any) -> Any:
        if not isinstance(table, dict) or "actor" in table:
            return table
        actors = [key for key in table if key in ACTORS]
        if len(actors) != 1:
            raise ValueError(f"a step names exactly one actor ({', '.join(ACTORS)}), not {sorted(table)}")
        actor = actors[0]
        return {
            "actor": actor,
            "act": table[actor],
            "params": {k: v for k, v in table.items() if k != actor},
        }

    @model_validator(mode="after")
    def _known(self) -> Step:
        script.check(self.actor, self.act, self.params)
        return self

    def number(self, name: str, default: int) -> int:
        """An integer parameter, or ``default``."""
        value = self.params.get(name, default)
        return value if isinstance(value, int) else default

    def text(self, name: str, default: str) -> str:
        """A text parameter, or ``default``."""
        value = self.params.get(name, default)
        return value if isinstance(value, str) else default


class Repeat(Model):
    """A part of the script that is played several times, such as the messages of a session."""

    repeat: int = Field(gt=0, le=1000)
    steps: tuple[Step, ...] = Field(min_length=1)


def _kind(table: object) -> str:
    """What an element of ``steps`` is meant to be, so that a complaint is about that alone."""
    repeats = "repeat" in table if isinstance(table, dict) else isinstance(table, Repeat)
    return "Repeat" if repeats else "Step"


StepOrRepeat = Annotated[Annotated[Step, Tag("Step")] | Annotated[Repeat, Tag("Repeat")], Discriminator(_kind)]

Who = Literal["client", "peer", "nobody"]


class Wire(Model):
    """What the capture must show of the trial's first connection. Every key is a claim that is checked."""

    end: tuple[ConnState, ...] = Field(min_length=1)
    """Zeek's conn_state: one of these."""
    first_fin: Who | None = None
    rst: Who | Literal["peer if written to"] | None = None
    """Who sent the RSTs. ``peer if written to``: the peer, exactly if the client sent payload after the peer's FIN."""
    request: Literal["acknowledged", "unacknowledged", "none"] | None = None
    """Whether the peer's kernel acknowledged all that the client sent."""
    peer_sent: int | None = Field(default=None, ge=0)
    """Bytes that the peer had put on the wire (of the body, where it sent a head)."""

    @model_validator(mode="before")
    @classmethod
    def _one_end(cls, table: Any) -> Any:
        if isinstance(table, dict) and isinstance(table.get("end"), str):
            return {**table, "end": [table["end"]]}
        return table


def _listed(value: Any) -> Any:
    """A single name stands for a list of one."""
    return [value] if isinstance(value, str) else value


class Scenario(Model):
    """One scripted way for a connection to end."""

    id: str
    title: str = Field(min_length=10)
    why: str = Field(min_length=10)
    """When this happens in production."""
    teaches: str = ""
    """What to know and to do: two or three sentences."""
    spec: tuple[str, ...] = Field(min_length=1)
    layers: tuple[Layer, ...] = Field(min_length=1)
    needs: tuple[Need, ...] = ()
    deadline: float = Field(default=8.0, gt=0, le=120)
    """Seconds that a client gets for one operation before the harness records a ``hang``."""
    waits: bool = False
    """The ending is the passing of time: such trials run side by side, beyond ``--jobs``."""
    steps: tuple[StepOrRepeat, ...] = Field(min_length=2)
    further: tuple[Step, ...] = ()
    """What the peer does with each further connection: its own steps again, unless said otherwise."""
    wire: Wire
    cause: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """The causes, by their names in ``hangup/diagnose/causes.toml``, that a capture of it must bring up first: one of
    these. More than one where the client's own conduct decides what is on the wire."""

    @property
    def flat(self) -> tuple[Step, ...]:
        """The steps with every repetition written out."""
        flat: list[Step] = []
        for step in self.steps:
            flat.extend(step.steps * step.repeat if isinstance(step, Repeat) else (step,))
        return tuple(flat)

    @property
    def further_steps(self) -> tuple[Step, ...]:
        """The peer's steps for a further connection, from just after its accept on; none where it stops listening."""
        source = self.further or self.flat
        if any(s.act == "stop listening" for s in source):
            return ()
        return tuple(s for s in source if s.actor == "peer" and s.act not in BEGINS_CONNECTION)

    @property
    def head_sent(self) -> int:
        """Bytes of response heads that the peer sends on the first connection."""
        return script.head_sent((s.act, s.params) for s in self.flat if s.actor == "peer")

    @property
    def peer_bytes(self) -> int:
        """Payload bytes that the peer sends on the first connection."""
        return script.bytes_sent((s.act, s.params) for s in self.flat if s.actor == "peer")

    @property
    def announced(self) -> int:
        """Bytes of the whole response that a client is told to expect."""
        return script.announced((s.act, s.params) for s in self.flat if s.actor == "peer")

    @property
    def response_head(self) -> int:
        """Bytes of the head of a whole response."""
        return self.announced - script.announced_length((s.act, s.params) for s in self.flat if s.actor == "peer")

    @property
    def exchanges(self) -> int:
        """How many requests the script has the client make."""
        return sum(s.actor == "client" and s.act in ("exchange", "begin exchange") for s in self.flat)

    @property
    def features(self) -> set[Feature]:
        """What a client's API must offer, beside its operations, to play this script."""
        return {"keepalive"} if any(s.params.get("keepalive") is True for s in self.flat) else set()

    @property
    def client_ops(self) -> set[str]:
        """The protocol's operations that a client must offer to play this script."""
        acts = {s.act.removeprefix("begin ") for s in self.flat if s.actor == "client"}
        return (acts - {"finish", "idle"}) | {"close"}

    @model_validator(mode="after")
    def _plays(self) -> Scenario:
        open_exchange = False
        for step in self.flat:
            if step.actor != "client":
                continue
            if open_exchange and step.act != "finish":
                raise ValueError(f"client step {step.act!r} while an exchange has begun and not finished")
            if step.act == "finish" and not open_exchange:
                raise ValueError("client step 'finish' without a 'begin exchange' before it")
            open_exchange = step.act == "begin exchange"
        if open_exchange:
            raise ValueError("the exchange that was begun never finishes: add { client = 'finish' }")
        stream_only = {"connect", "send", "recv", "shutdown"} & self.client_ops
        if "http" in self.layers and stream_only:
            raise ValueError(f"http clients have no {sorted(stream_only)}; layers must be ['stream']")
        if any(s.actor == "network" for s in self.flat) and "net" not in self.needs:
            raise ValueError("network steps need a network of the lab's own: needs = ['net']")
        if any(s.act.startswith("hold") for s in self.flat) and "hold" not in self.needs:
            raise ValueError("'hold' steps need a peer with the right to filter its sockets: needs = ['hold']")
        return self


class Variants(Model):
    """Forms that one script comes in: ``{name}`` in a text of the script stands for each of its values in turn."""

    method: tuple[Literal["GET", "POST"], ...] = Field(min_length=1)
    next: dict[Annotated[str, Field(pattern="^[a-z-]+$")], tuple[Step, ...]] = Field(min_length=1)
    """What the peer does with each further connection, by the form's name."""
