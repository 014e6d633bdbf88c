"""Everything that the peer can be told to do. A step is data, and calls one verb of what it acts on.

    listening   before there is a connection
    holding     data at the door
    reading     what the client sends
    sending     a response, or other bytes
    ending      the connection's ends
    process     the end of the process that owns it
    tls, http2  what is spoken on it

Adding a step is adding a class to the module that it belongs to, and naming it here: its fields are its parameters.
"""

from __future__ import annotations

from hangup_server.steps import ending, holding, http2, listening, process, reading, sending, step, tls

_ALL: tuple[type[step.Step], ...] = (
    listening.StopListening,
    listening.AwaitConnection,
    listening.HoldHandshake,
    listening.ReleaseHandshake,
    listening.FillQueue,
    listening.Accept,
    listening.Serve,
    holding.HoldData,
    holding.HoldAll,
    holding.AwaitHeldData,
    holding.ReleaseData,
    reading.AwaitRequest,
    reading.RecvHead,
    reading.RecvRequest,
    reading.Recv,
    reading.RecvArrived,
    reading.RecvEnd,
    reading.Linger,
    sending.SendHead,
    sending.SendBody,
    sending.SendChunk,
    sending.SendLastChunk,
    sending.Send,
    sending.Drained,
    ending.Pause,
    ending.Shutdown,
    ending.Close,
    ending.Reset,
    ending.AwaitReset,
    ending.AwaitEnd,
    ending.Vanish,
    process.Kill,
    process.Interrupt,
    process.Terminate,
    tls.RecvHello,
    tls.SendHello,
    tls.SendAlert,
    tls.Handshake,
    tls.SendHalfRecord,
    tls.CloseNotify,
    http2.ResetStream,
    http2.SendGoaway,
    http2.KeepAnswering,
)

STEPS: dict[str, type[step.Step]] = {kind.name: kind for kind in _ALL}
"""Every step that a script may name."""
