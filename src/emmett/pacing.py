"""How fast connections end when a server stops: clients come back, but not all at once, and none is cut off."""

from __future__ import annotations

# Websockets that are closed at once, and the seconds until the next ones are.
CLOSE_BATCH = 100
CLOSE_PAUSE = 0.05

# Seconds that a new connection without a request has for one when the server stops, and those that a handshake has for
# its answer: a client that has just connected would take an end without an answer, or a 503, for a refusal.
FIRST_REQUEST_GRACE = 2.0
HANDSHAKE_GRACE = 1.0
