"""The phases of a websocket connection on the default server."""

from __future__ import annotations

from enum import StrEnum

from .phases import PhaseTable


class WebsocketPhase(StrEnum):
    """The phase of a connection, from its handshake to its end. A str caches its hash."""

    HANDSHAKE = "the upgrade request waits for its answer"
    OPEN = "messages flow in both directions"
    DRAINING = "the server stops, the handler takes the messages that have arrived"
    DEPARTED = "the peer has hung up, the handler takes the earlier messages"
    CLOSE_WAITING = "our Close frame waits until the peer resumes reading"
    CLOSE_SENT = "our Close frame is sent, only the peer's Close frame counts"
    LINGERING = "the final frame or response is sent, further input is discarded"
    ENDING = "the transport closes once it has sent its buffer"
    LOST = "the transport is gone, the handler still runs"
    OVER = "nothing is left"


P = WebsocketPhase

# The ends of a connection in the phases in which messages can be sent.
_ENDS = {
    P.DEPARTED: "the peer hangs up while reading is paused",
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
        P.DEPARTED: {P.ENDING: "the handler ends", P.LOST: "the input is exhausted"},
        P.CLOSE_WAITING: {
            P.CLOSE_SENT: "the peer resumes reading",
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
