"""Names of channels, and patterns that match many of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import InvalidChannel

# Bytes in UTF-8: brokers use names in their keys and subjects.
MAX_LENGTH = 200
# Channels and patterns per subscriber.
MAX_NAMES = 128


def check_channel(name: str) -> None:
    """Check the name of one channel.

    Raises:
        InvalidChannel: it is empty, longer than 200 bytes in UTF-8, or contains whitespace, control characters or `*`.
        TypeError: it is not a `str`.
    """
    _check(name)
    if "*" in name:
        raise InvalidChannel(f"channel {name!r}: '*' is only allowed at the end of a pattern, as in 'room:*'")


def check_name(name: str) -> None:
    """Check the name of a channel or a pattern such as `room:*`, for a subscription.

    Raises:
        InvalidChannel, TypeError: as `check_channel`.
    """
    _check(name)
    if "*" in (name[:-2] if is_pattern(name) else name) or name == ":*":
        raise InvalidChannel(f"channel {name!r}: a pattern is a prefix of names followed by ':*', as in 'room:*'")


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """Check the names that one subscriber asks for; return each once, without names that a wider pattern covers.

    Raises:
        InvalidChannel: as `check_channel`; or there are no names, or more than 128.
        TypeError: as `check_channel`.
    """
    if not 0 < len(names) <= MAX_NAMES:
        raise InvalidChannel(f"{len(names)} channels for one subscriber: expected 1 to {MAX_NAMES}")
    for name in names:
        check_name(name)
    patterns = [name for name in names if is_pattern(name)]
    wide = {name for name in patterns if not any(name != other and covers(other, name) for other in patterns)}
    return tuple(dict.fromkeys(name for name in names if not is_pattern(name) or name in wide))


def is_pattern(name: str) -> bool:
    """Return whether a checked name is a pattern."""
    return name.endswith(":*")


def covers(pattern: str, name: str) -> bool:
    """Return whether a pattern matches a channel, or everything that another pattern matches."""
    return name.startswith(pattern[:-1])


def is_of(name: str, channel: str) -> bool:
    """Return whether a channel is the one that a subscriber asks for by a name or a pattern."""
    return covers(name, channel) if is_pattern(name) else name == channel


def check_apart(names: Sequence[str], others: Iterable[str]) -> None:
    """Check that no name is of a pattern of the same subscriber, or the other way round.

    Raises:
        InvalidChannel: one is.
    """
    for other in others:
        for name in names:
            if is_of(other, name) or is_of(name, other):
                raise InvalidChannel(
                    f"channel {name!r} overlaps with {other!r} of the same subscription: add or remove them together"
                )


def namespace_of(name: str) -> str:
    """Return the namespace of a channel or a pattern: the part before its first colon; empty without a colon."""
    head, colon, _ = name.partition(":")
    return head if colon else ""


def _check(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"the name of a channel is a str, not {type(name).__name__}")
    # Not printable: control characters, all whitespace except the space, lone surrogates, invisible marks.
    if not name.isprintable() or " " in name:
        raise InvalidChannel(f"channel {name[:MAX_LENGTH]!r}: expected no whitespace and no control characters")
    if not 0 < len(name.encode()) <= MAX_LENGTH:
        raise InvalidChannel(f"channel {name[:MAX_LENGTH]!r}: expected 1 to {MAX_LENGTH} bytes in UTF-8")
