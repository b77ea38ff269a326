"""Deltas in the format of Fossil: a publication as the difference to the previous one.

A delta is the length of the target and a newline; then copies from the source, `LENGTH@OFFSET,`, and literal bytes,
`LENGTH:BYTES`; and finally a checksum of the target, `SUM;`. Numbers are in base 64.
"""

from __future__ import annotations

import struct

_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
# Bytes of the source that are looked up together. A shorter copy saves nothing.
BLOCK = 16
# The most bytes between the common beginning and end of source and target that are searched for copies. The search runs
# in the event loop, and takes up to 20 ms, whatever the content.
MAX_SOUGHT = 65_536


def make_delta(source: bytes, target: bytes) -> bytes | None:
    """Return the delta that turns a source into a target; None if it would not be shorter than the target.

    A delta of two UTF-8 texts never splits a character, so it is UTF-8 text itself.
    """
    head = _shared_head(source, target)
    tail = _shared_tail(source[head:], target[head:])
    parts = [_number(len(target)), b"\n"]
    _copy(parts, target, 0, 0, head)
    middle = target[head : len(target) - tail]
    if middle:
        between = source[head : len(source) - tail]
        copies = _find_copies(between, middle) if len(middle) + len(between) <= MAX_SOUGHT else []
        at = 0
        for start, offset, size in copies:
            _insert(parts, middle[at:start])
            _copy(parts, middle, start, head + offset, size)
            at = start + size
        _insert(parts, middle[at:])
    _copy(parts, target, len(target) - tail, len(source) - tail, tail)
    parts += (_number(checksum(target)), b";")
    delta = b"".join(parts)
    return delta if len(delta) < len(target) else None


def checksum(content: bytes) -> int:
    """Return the 32-bit sum of all big-endian four-byte words."""
    padded = content + bytes(-len(content) % 4)
    words: tuple[int, ...] = struct.unpack(f">{len(padded) // 4}I", padded)
    return sum(words) & 0xFFFFFFFF


def _number(value: int) -> bytes:
    digits = bytearray()
    while value or not digits:
        digits.append(_DIGITS[value & 63])
        value >>= 6
    digits.reverse()
    return bytes(digits)


def _insert(parts: list[bytes], literal: bytes) -> None:
    if literal:
        parts += (_number(len(literal)), b":", literal)


def _copy(parts: list[bytes], target: bytes, start: int, offset: int, size: int) -> None:
    """Add a copy, or the bytes themselves if a copy is not shorter."""
    if size:
        copy = _number(size) + b"@" + _number(offset) + b","
        if len(copy) < size:
            parts.append(copy)
        else:
            _insert(parts, target[start : start + size])


def _shared_head(source: bytes, target: bytes) -> int:
    """Return the length in bytes of the common beginning, which ends with a whole character."""
    size = _same_before(source, target)
    while size and (_is_inside(target, size) or _is_inside(source, size)):
        size -= 1
    return size


def _shared_tail(source: bytes, target: bytes) -> int:
    """Return the length in bytes of the common end, which begins with a whole character."""
    size = _same_behind(source, target)
    while size and _is_inside(target, len(target) - size):
        size -= 1
    return size


def _same_before(source: bytes, target: bytes) -> int:
    low, high = 0, min(len(source), len(target))
    while low < high:
        middle = (low + high + 1) // 2
        if source[low:middle] == target[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _same_behind(source: bytes, target: bytes) -> int:
    low, high = 0, min(len(source), len(target))
    while low < high:
        middle = (low + high + 1) // 2
        if source[len(source) - middle : len(source) - low] == target[len(target) - middle : len(target) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _is_inside(content: bytes, at: int) -> bool:
    """Return whether a position is inside a UTF-8 character."""
    return at < len(content) and content[at] & 0xC0 == 0x80


def _same_after(source: bytes, offset: int, target: bytes, at: int) -> int:
    """Return the number of equal bytes from two places on. It looks at little more than those."""
    most, size, step = min(len(source) - offset, len(target) - at), 0, BLOCK
    while size < most:
        part, other = (
            content[begin + size : begin + size + step] for content, begin in ((source, offset), (target, at))
        )
        if part != other:
            return size + _same_before(part, other)
        size, step = size + len(part), 2 * step
    return most


def _same_up_to(source: bytes, offset: int, target: bytes, at: int, most: int) -> int:
    """Return the number of equal bytes before two places, at most so many. It looks at little more than those."""
    most, size, step = min(most, offset), 0, BLOCK
    while size < most:
        step = min(step, most - size)
        part, other = (content[end - size - step : end - size] for content, end in ((source, offset), (target, at)))
        if part != other:
            return size + _same_behind(part, other)
        size, step = size + step, 2 * step
    return most


def _find_copies(source: bytes, target: bytes) -> list[tuple[int, int, int]]:
    """Return copies in the order of the target: their positions in target and source, and their sizes."""
    blocks: dict[bytes, int] = {}
    for offset in range(0, len(source) - BLOCK + 1, BLOCK):
        blocks.setdefault(source[offset : offset + BLOCK], offset)
    found: list[tuple[int, int, int]] = []
    at = done = 0
    while at + BLOCK <= len(target):
        block = target[at : at + BLOCK]
        if block not in blocks:
            at += 1
            continue
        offset = blocks[block]
        before = _same_up_to(source, offset, target, at, at - done)
        size = BLOCK + before + _same_after(source, offset + BLOCK, target, at + BLOCK)
        start, place = at - before, offset - before
        end = start + size
        while start < end and _is_inside(target, start):
            start, place = start + 1, place + 1
        while end > start and _is_inside(target, end):
            end -= 1
        if end - start >= BLOCK:
            found.append((start, place, end - start))
            at = done = end
        else:
            # Too short, as it begins or ends within a character. It would be so again, each time for nothing.
            del blocks[block]
            at += 1
    return found
