"""Finding a Close frame behind frames that wait unparsed."""

from __future__ import annotations

# Frames whose headers one look takes.
LOOKED_AT = 4096

_OPCODE, _OP_CLOSE = 0x0F, 0x8
_MASKED, _LENGTH = 0x80, 0x7F
_LENGTH_16 = 126


def find_close_frame(buffer: bytes | bytearray, position: int) -> tuple[slice | None, int]:
    """Look for a masked Close frame (RFC 6455, 5.5.1), at `LOOKED_AT` frames at most.

    Arguments:
        buffer: frames, of which the last may be a part.
        position: where a frame begins.

    Returns:
        Where its masked payload is, right behind the masking key, or None; and where the first frame begins that was
        not looked at.
    """
    end = len(buffer)
    for _ in range(LOOKED_AT):
        if end < position + 2:
            break
        first, second = buffer[position], buffer[position + 1]
        length = second & _LENGTH
        start = position + 2
        if length >= _LENGTH_16:
            start += 2 if length == _LENGTH_16 else 8
            length = int.from_bytes(buffer[position + 2 : start], "big")
        start += 4 if second & _MASKED else 0
        if end < start + length:
            break
        if first & _OPCODE == _OP_CLOSE and second & _MASKED:
            return slice(start, start + length), position
        position = start + length
    return None, position
