"""Frames as a client sends them, for tests, including invalid ones."""

from __future__ import annotations

from websockets.utils import apply_mask

MASK = b"\x12\x34\x56\x78"

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    length_field: bytes | None = None,
) -> bytes:
    """Return one frame.

    Arguments:
        opcode: 0x0 to 0xF.
        payload: the payload before masking.
        fin: whether it ends its message.
        rsv: the three reserved bits, as a number from 0 to 7.
        mask: the masking key; None leaves the frame unmasked.
        length_field: the length byte and its extension, without the mask bit, where it should not be the shortest form.
    """
    if length_field is None:
        if len(payload) < 126:
            length_field = bytes((len(payload),))
        elif len(payload) < 0x10000:
            length_field = b"\x7e" + len(payload).to_bytes(2, "big")
        else:
            length_field = b"\x7f" + len(payload).to_bytes(8, "big")
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if mask is None:
        return bytes((first,)) + length_field + payload
    return bytes((first, length_field[0] | 0x80)) + length_field[1:] + mask + apply_mask(payload, mask)


def close_payload(code: int, reason: bytes = b"") -> bytes:
    """Return the payload of a Close frame."""
    return code.to_bytes(2, "big") + reason
