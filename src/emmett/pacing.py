"""How fast many websockets are closed: their clients come back, and should not all do so at the same moment."""

from __future__ import annotations

# Websockets that are closed at once, and the seconds until the next ones are.
CLOSE_BATCH = 100
CLOSE_PAUSE = 0.05
