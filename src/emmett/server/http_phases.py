"""The phases of an HTTP connection of the default server, and what the peer must do in each."""

from __future__ import annotations

from enum import Enum, StrEnum

from .phases import PhaseTable


class HTTPPhase(StrEnum):
    """The phase of an HTTP connection. Each request hashes two phases, and a str caches its hash."""

    WAITING = "no request is under way"
    HEAD = "a head has begun"
    SERVING = "a response is due or under way"
    SKIPPING = "the rest of the body of an answered request is coming"
    UPGRADING = "an upgrade waits for the responses before it"
    UPGRADED = "a websocket or its refusal has taken over"
    REFUSING = "a refusal waits for the responses before it"
    LINGERING = "the refusal is written, the peer can read it and close"
    CLOSING = "closed, the write buffer is still being sent"
    LOST = "the transport is gone"


class Due(Enum):
    """What a peer must do by a deadline."""

    REQUEST = "begin a request"
    HEAD = "complete the head of a request"
    BODY = "complete the unread body"
    CLOSE = "close the connection after a refusal"


# Module-level names, because reading an attribute of an enum takes CPython 3.11 a tenth of a microsecond.
WAITING, HEAD, SERVING, SKIPPING = HTTPPhase.WAITING, HTTPPhase.HEAD, HTTPPhase.SERVING, HTTPPhase.SKIPPING
UPGRADING, UPGRADED, REFUSING = HTTPPhase.UPGRADING, HTTPPhase.UPGRADED, HTTPPhase.REFUSING
LINGERING, CLOSING, LOST = HTTPPhase.LINGERING, HTTPPhase.CLOSING, HTTPPhase.LOST
DUE_REQUEST, DUE_HEAD, DUE_BODY, DUE_CLOSE = Due

_END = {CLOSING: "the server closes", LOST: "the peer leaves"}
_BROKEN = {REFUSING: "a broken request"}

PHASES: PhaseTable[HTTPPhase] = PhaseTable(
    {
        WAITING: {
            HEAD: "part of a head",
            SERVING: "a request",
            UPGRADING: "an upgrade",
            **_BROKEN,
            **_END,
        },
        HEAD: {
            SERVING: "the rest of the head",
            UPGRADING: "an upgrade",
            REFUSING: "a broken request, or none in time",
            **_END,
        },
        SERVING: {
            WAITING: "the last response is complete",
            HEAD: "the last response is complete, and a head has begun",
            SKIPPING: "the last response is complete before the body of its request",
            UPGRADING: "an upgrade",
            **_BROKEN,
            **_END,
        },
        SKIPPING: {WAITING: "the body is complete", **_BROKEN, **_END},
        UPGRADING: {UPGRADED: "the last response is complete", **_END},
        UPGRADED: {},
        REFUSING: {LINGERING: "the last response is complete", **_END},
        LINGERING: {**_END},
        CLOSING: {LOST: "the write buffer is empty, or the peer takes nothing"},
        LOST: {},
    }
)
