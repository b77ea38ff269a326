"""The header of a frame (RFC 6455, 5.2)."""

from __future__ import annotations

import struct

OP_TEXT = 0x1
OP_BINARY = 0x2

FIN = 0x80
MASKED = 0x80
LENGTH_16 = 126
LENGTH_64 = 127

_pack_16 = struct.Struct(">BBH").pack
_pack_64 = struct.Struct(">BBQ").pack


def encode_header(opcode: int, length: int) -> bytes:
    """Return the header of a final, unmasked frame, as a server sends it (RFC 6455, 5.2).

    Arguments:
        opcode: the opcode of the frame, 0x0 to 0xF.
        length: the size of the payload in bytes.
    """
    first = FIN | opcode
    if length < LENGTH_16:
        return bytes((first, length))
    if length < 0x10000:
        return _pack_16(first, LENGTH_16, length)
    return _pack_64(first, LENGTH_64, length)
