"""The settings that a route may be given, as typed keyword arguments of `route`, `websocket` and `calls`.

`config.py` has their defaults and checks them; these are the same names and types for type checkers and editors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict


class RequestLimits(TypedDict, total=False):
    """Limits of the requests of a route; see `emmett.config.HTTPSettings`."""

    body_timeout: float
    disconnect_grace: float | None
    max_body_fields: int
    max_body_size: int
    max_form_memory: int


class WebsocketLimits(TypedDict, total=False):
    """Limits and deadlines of the connections of a route; see `emmett.config.WebsocketSettings`."""

    max_message_size: int
    max_fragments: int | None
    inbox_messages: int
    inbox_bytes: int
    write_high_water: int
    write_limit: int
    send_timeout: float
    accept_timeout: float
    ping_interval: float | None
    ping_timeout: float | None
    frame_timeout: float
    close_timeout: float
    disconnect_grace: float
    origins: str | Sequence[str]
    compression: str | None
    compression_window_bits: int
    compression_memory_level: int
    compression_min_size: int
    compression_context_takeover: bool


class CallsLimits(WebsocketLimits, total=False):
    """Bounds of the calls and of their connections; see `emmett.config.CallsSettings`."""

    max_in_flight: int
    max_streams: int
    max_batch: int
    max_refusals: str


class CentrifugeLimits(WebsocketLimits, total=False):
    """Bounds of an endpoint for Centrifuge clients; see `emmett.config.CentrifugeSettings`."""

    client_ping_interval: float
    pong_timeout: float
    connect_timeout: float
    expire_grace: float
    max_clients: int | None
    max_user_clients: int | None
    max_channels: int
    max_running_calls: int
    max_recovered: int
    max_history: int
