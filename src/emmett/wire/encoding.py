"""Encoding of the frames that a server sends (RFC 6455, section 5): final and unmasked. `deflater` compresses."""

from __future__ import annotations

from ..engine import encode_message
from ..engine.header import encode_header
from .frames import MAX_CONTROL_PAYLOAD

__all__ = ["encode_control", "encode_header", "encode_message"]


def encode_control(opcode: int, payload: bytes = b"") -> bytes:
    """Return a control frame: Ping, Pong or Close.

    Raises:
        ValueError: the payload is longer than 125 bytes (RFC 6455, 5.5).
    """
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise ValueError(f"a control frame carries at most {MAX_CONTROL_PAYLOAD} bytes, not {len(payload)}")
    return encode_header(opcode, len(payload)) + payload
