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

from hangup.agents.protocol import ClientId, Feature, Layer
from hangup.catalogue import script
from hangup.catalogue.script import ACTORS, RESPONSE_LENGTH, Actor
from hangup.outcome import Outcome
from hangup_server.steps.sending import SendHead

ConnState = Literal[
    "SF", "S0", "S1", "S2", "S3", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"
]  # fmt: skip
End = ConnState | Literal["nothing"]
"""``nothing``: no packet was sent at all."""
Icmp = Literal["net-unreachable", "host-unreachable", "port-unreachable", "admin-prohibited"]
Need = Literal["net", "hold", "router", "firewall", "translation", "abort", "containers", "published"]
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


Group = Literal[
    "controls", "connecting", "accept", "before the response", "head", "body", "upload", "stream calls", "reuse",
    "network", "tls", "http2", "containers",
]  # fmt: skip
"""The moment, or the layer, that a scenario is about, in the order in which they are read."""

StepOrRepeat = Annotated[Annotated[Step, Tag("Step")] | Annotated[Repeat, Tag("Repeat")], Discriminator(_kind)]

Who = Literal["client", "peer", "nobody"]


class Wire(Model):
    """What the capture must show of the trial's first connection. Every key is a claim that is checked."""

    end: tuple[End, ...] = Field(min_length=1)
    """Zeek's conn_state: one of these."""
    first_fin: Who | None = None
    rst: Who | Literal["peer if written to"] | None = None
    """Who sent the RSTs. ``peer if written to``: the peer, exactly if the client sent payload after the peer's FIN."""
    request: Literal["acknowledged", "partly", "unacknowledged", "none"] | None = None
    """Whether the peer's kernel acknowledged all that the client sent."""
    further: ConnState | None = None
    """How each connection ended that the client opened by itself after the first one."""
    peer_sent: int | None = Field(default=None, ge=0)
    """Bytes that the peer had put on the wire (of the body, where it sent a head or chunks)."""
    forged: bool | None = None
    """Whether a RST in the peer's name came from another host: its TTL is not that of the peer's own segments."""
    icmp: Icmp | Literal["none"] | None = None
    """The kind of ICMP error, one and no other, that came in answer to the client's segments."""

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
    group: Group
    """The chapter that it stands in."""
    why: str = Field(min_length=10)
    """When this happens in production."""
    teaches: str = Field(min_length=40)
    """What to know and to do: two or three sentences."""
    spec: tuple[str, ...] = Field(min_length=1)
    layers: tuple[Layer, ...] = Field(min_length=1)
    needs: tuple[Need, ...] = ()
    deadline: float = Field(default=20.0, gt=0, le=600)
    """Seconds that a client gets for one operation before the harness records a ``hang``."""
    waits: bool = False
    """The ending is the passing of time: such trials run side by side, beyond ``--jobs``."""
    races: dict[ClientId, str] = {}
    """Clients that are left out, each with the reason: what they report is decided within themselves, by chance."""
    steps: tuple[StepOrRepeat, ...] = Field(min_length=2)
    further: tuple[Step, ...] = ()
    """What the peer does with each further connection: its own steps again, unless said otherwise."""
    whole: int | None = Field(default=None, ge=0)
    """Bytes of the body that a whole response has, where no Content-Length announces it."""
    faithful: tuple[Outcome, ...] = ()
    """Outcomes that tell the truth about this scenario, beside those that tell it about the wire's ending."""
    wire: Wire
    cause: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]
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
        source = [s for s in self.further or self.flat if s.actor == "peer"]
        if any(s.act == "stop listening" for s in source):
            return ()
        accept = next((i for i, s in enumerate(source) if s.act == "accept"), -1)
        return tuple(source[accept + 1 :])

    @property
    def framing(self) -> int:
        """Bytes that the peer sends on the first connection and that are no body: heads, and what frames chunks."""
        return script.framing_sent(self._peer_acts)

    @property
    def peer_bytes(self) -> int:
        """Payload bytes that the peer sends on the first connection."""
        return script.bytes_sent(self._peer_acts)

    @property
    def announced(self) -> int:
        """Bytes of the whole response, head and body, that a script's first final head announces: what a reader waits
        for."""
        length = self._final_head.length if self.whole is None else self.whole
        return self.response_head + (length or 0)

    @property
    def status(self) -> int:
        """The status of the right answer."""
        return self._final_head.status

    @property
    def content(self) -> bytes:
        """The body of a whole response."""
        return script.content(self._peer_acts, self.announced - self.response_head)

    @property
    def response(self) -> bytes:
        """A whole response, head and body."""
        return self._final_head.whole() + self.content

    @property
    def response_head(self) -> int:
        """Bytes of the head of a whole response."""
        return len(self._final_head.whole())

    @property
    def _final_head(self) -> SendHead:
        return script.final_head(self._peer_acts) or SendHead(length=RESPONSE_LENGTH)

    @property
    def _peer_acts(self) -> list[tuple[str, dict[str, ParameterValue]]]:
        return [(s.act, s.params) for s in self.flat if s.actor == "peer"]

    @property
    def exchanges(self) -> int:
        """How many requests the script has the client make."""
        return sum(s.actor == "client" and s.act in ("exchange", "begin exchange") for s in self.flat)

    @property
    def timed(self) -> bool:
        """Whether time that passes is part of the script."""
        return self.waits or any(s.act in ("idle", "pause") or "at_most_ms" in s.params for s in self.flat)

    @property
    def features(self) -> set[Feature]:
        """What a client's API must offer, beside its operations, to play this script."""
        return set[Feature]().union(*(script.features(s.act, s.params) for s in self.flat))

    @property
    def container_end(self) -> Step | None:
        """What becomes of the peer's container, which then has to be one of its own."""
        return next((s for s in self.flat if s.actor == "container"), None)

    @property
    def published(self) -> bool:
        """Whether the client is sent to a port that is published, and behind which there is no peer."""
        return any((s.actor, s.act) == ("network", "published port") for s in self.flat)

    @property
    def client_ops(self) -> set[str]:
        """The protocol's operations that a client must offer to play this script."""
        acts = {s.act.removeprefix("begin ") for s in self.flat if s.actor == "client"}
        return (acts - {"finish", "idle"}) | {"close"}

    @model_validator(mode="after")
    def _asks_for_what_it_needs(self) -> Scenario:
        for step in self.flat:
            need = script.NETWORK_NEEDS.get(step.act) if step.actor == "network" else None
            if need is not None and need not in self.needs:
                raise ValueError(f"network step {step.act!r} needs what not every lab has: needs = ['{need}']")
        if any(s.act in script.PRIVILEGED for s in self.flat) and "hold" not in self.needs:
            raise ValueError("'hold' and 'vanish' steps need a peer with rights over its sockets: needs = ['hold']")
        if self.container_end is not None and "containers" not in self.needs:
            raise ValueError("a container step needs a peer in a container of its own: needs = ['containers']")
        if sum(s.actor == "container" for s in self.flat) > 1:
            raise ValueError("the peer's container can be ended only once")
        if self.published and any(s.actor in ("peer", "container") for s in self.flat):
            raise ValueError("behind a published port nothing listens: there is no peer that could do a step")
        return self

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
        return self

    @model_validator(mode="after")
    def _knows_the_whole(self) -> Scenario:
        if self._final_head.length is None and self.whole is None:
            raise ValueError("the response's head has no length: say with 'whole' how many bytes its whole body has")
        if self._final_head.length is not None and self.whole is not None:
            raise ValueError("'whole' is for a response whose head has no length")
        return self


class Variants(Model):
    """Forms that one script comes in: ``{name}`` in a text of the script stands for each of its values in turn."""

    tls: tuple[Literal["1.3", "1.2"], ...] = ()
    method: tuple[Literal["GET", "POST"], ...] = ()
    next: dict[Annotated[str, Field(pattern="^[a-z-]+$")], tuple[Step, ...]] = {}
    """What the peer does with each further connection, by the form's name."""

    @model_validator(mode="after")
    def _any(self) -> Variants:
        if not self.tls and not self.method and not self.next:
            raise ValueError("no form is given: say tls, method or next")
        return self
