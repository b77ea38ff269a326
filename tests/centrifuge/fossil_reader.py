"""A reader of deltas in the format of Fossil, written from its specification, for tests only."""

from __future__ import annotations

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"


def apply_delta(source: bytes, delta: bytes) -> bytes:
    """Return the target of a delta; fail where the delta is not in order."""
    at, target = 0, b""

    def number() -> tuple[int, bytes]:
        nonlocal at
        value = 0
        while chr(delta[at]) in DIGITS:
            value = value * 64 + DIGITS.index(chr(delta[at]))
            at += 1
        at += 1
        return value, delta[at - 1 : at]

    size, mark = number()
    assert mark == b"\n"
    while True:
        count, mark = number()
        if mark == b"@":
            offset, end = number()
            assert end == b","
            assert offset + count <= len(source)
            target += source[offset : offset + count]
        elif mark == b":":
            target += delta[at : at + count]
            at += count
        else:
            assert mark == b";"
            assert at == len(delta)
            assert len(target) == size
            assert count == add_up(target)
            return target


def add_up(content: bytes) -> int:
    """Return the checksum, byte by byte."""
    return sum(byte << 8 * (3 - place % 4) for place, byte in enumerate(content)) % 2**32
