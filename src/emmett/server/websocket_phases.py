"""The phases of a websocket connection on the default server."""

from __future__ import annotations

from enum import Enum

from .phases import PhaseTable


class WebsocketPhase(Enum):
    """Where a connection is between its handshake and its end."""

    HANDSHAKE = "the upgrade request waits for its answer"
    OPEN = "messages come and go"
    DRAINING = "the server stops, the handler takes what has come"
    DEPARTED = "the peer has hung up, the handler takes what came before"
    CLOSE_WAITING = "our Close frame waits until the peer reads on"
    CLOSE_SENT = "our Close frame is sent, only that of the peer counts"
    LINGERING = "the last word is sent, what still comes is ignored"
    ENDING = "the transport closes when it has sent what was written"
    LOST = "the transport is gone, the handler still runs"
    OVER = "nothing is left"


P = WebsocketPhase

# What ends a connection in the phases in which messages can be sent.
_ENDS = {
    P.DEPARTED: "the peer hangs up while we do not read",
    P.CLOSE_WAITING: "this side closes, the peer does not read",
    P.CLOSE_SENT: "this side closes",
    P.ENDING: "the peer closes, or is dropped",
    P.LOST: "the connection breaks",
}

WEBSOCKET_PHASES = PhaseTable(
    {
        P.HANDSHAKE: {
            P.OPEN: "accepted",
            P.LINGERING: "refused",
            P.ENDING: "refused without half-close, or the peer hangs up",
            P.LOST: "the connection breaks",
        },
        P.OPEN: {P.DRAINING: "the server stops", P.LINGERING: "the peer breaks the protocol", **_ENDS},
        P.DRAINING: _ENDS,
        P.DEPARTED: {P.ENDING: "the handler ends", P.LOST: "all has been read"},
        P.CLOSE_WAITING: {
            P.CLOSE_SENT: "the peer reads on",
            P.ENDING: "the peer closes, or is dropped",
            P.LOST: "the connection breaks",
        },
        P.CLOSE_SENT: {P.ENDING: "the peer closes, or is dropped", P.LOST: "the connection breaks"},
        P.LINGERING: {P.ENDING: "the peer is dropped", P.LOST: "the peer closes"},
        P.ENDING: {P.LOST: "the transport has closed"},
        P.LOST: {P.OVER: "the handler has ended"},
        P.OVER: {},
    }
)
