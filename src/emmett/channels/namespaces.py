"""What holds for the channels of a namespace: all whose names have the same beginning, up to the first colon."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypedDict, get_args

from ..errors import ConfigurationError, InvalidChannel
from .brokers.port import Limits
from .names import check_channel, namespace_of

Slow = Literal["disconnect", "drop_oldest", "latest"]
MaySubscribe = Callable[[str], bool | Awaitable[bool]]
MayPublish = Callable[[str, str | bytes], bool | Awaitable[bool]]


class Options(TypedDict, total=False):
    """The options of a namespace; what they mean is said at `Namespace`."""

    history: int
    history_ttl: float
    presence: bool
    presence_ttl: float
    join_leave: bool
    slow: Slow
    queue_messages: int
    queue_bytes: int
    max_message_size: int
    may_subscribe: MaySubscribe | None
    may_publish: MayPublish | None


@dataclass(frozen=True, slots=True, eq=False)
class Namespace:
    """The options of a namespace.

    Attributes:
        name: what its channels begin with, up to the colon; empty for those without one.
        history: how many publications each channel keeps; 0 for none, and then publications have no position.
        history_ttl: seconds after which they are forgotten.
        presence: whether members can be in its channels.
        presence_ttl: seconds after which a member is forgotten whose node has crashed.
        join_leave: whether subscribers are told of members that come and go.
        slow: what becomes of a subscriber whose queue overflows: "disconnect" ends it, "drop_oldest" drops what is
            oldest in its queue, "latest" keeps the newest publication of each channel.
        queue_messages, queue_bytes: what may wait for a subscriber that does not keep up.
        max_message_size: bytes of a publication, text in UTF-8.
        may_subscribe: called with the channel or pattern, in the context of who subscribes; what is not true refuses.
        may_publish: called with channel and data, in the context of who publishes; what is not true refuses.
    """

    name: str = ""
    history: int = field(default=0, metadata={"least": 0, "most": 1_000_000})
    history_ttl: float = field(default=300.0, metadata={"least": 0.001, "most": 31_536_000})
    presence: bool = False
    presence_ttl: float = field(default=30.0, metadata={"least": 1, "most": 86_400})
    join_leave: bool = False
    slow: Slow = "disconnect"
    queue_messages: int = field(default=1024, metadata={"least": 1, "most": 1_000_000})
    queue_bytes: int = field(default=1_048_576, metadata={"least": 1, "most": 1_073_741_824})
    max_message_size: int = field(default=1_048_576, metadata={"least": 1, "most": 1_073_741_824})
    may_subscribe: MaySubscribe | None = None
    may_publish: MayPublish | None = None

    @property
    def limits(self) -> Limits | None:
        """How much history its channels keep; None for those without."""
        return Limits(self.history, self.history_ttl) if self.history else None


# What holds for namespaces that nobody has declared. One object for all: their names come from visitors, too.
DEFAULT = Namespace()


class Namespaces:
    """The namespaces of an application."""

    def __init__(self) -> None:
        self._declared: dict[str, Namespace] = {}

    def declare(self, name: str, options: Options) -> Namespace:
        """Add a namespace.

        Raises:
            ConfigurationError: it was declared before, has a name that none can have, or an option that is not allowed.
        """
        if name in self._declared:
            raise ConfigurationError(f"namespace {name!r} is declared already: give all its options at once")
        if ":" in name:
            raise ConfigurationError(f"namespace {name!r}: expected what stands before the colon, such as 'room'")
        try:
            check_channel(name or "-")
        except InvalidChannel as error:
            raise ConfigurationError(f"namespace {name!r}: {error}") from None
        _check(name, dict(options))
        if "max_message_size" not in options:
            # A short queue alone must not be an error.
            least = min(DEFAULT.max_message_size, options.get("queue_bytes", DEFAULT.queue_bytes))
            options = {**options, "max_message_size": least}
        elif options["max_message_size"] > options.get("queue_bytes", DEFAULT.queue_bytes):
            raise ConfigurationError(
                f"namespace {name!r}: max_message_size is {options['max_message_size']}; expected at most queue_bytes, "
                f"which is {options.get('queue_bytes', DEFAULT.queue_bytes)}"
            )
        namespace = self._declared[name] = Namespace(name, **options)
        return namespace

    def of(self, channel: str) -> Namespace:
        """Return the namespace of a channel or a pattern."""
        return self._declared.get(namespace_of(channel), DEFAULT)

    def __iter__(self) -> Iterator[Namespace]:
        return iter(self._declared.values())


def _check(name: str, options: dict[str, object]) -> None:
    known = {each.name: each for each in fields(Namespace) if each.name != "name"}
    for option, value in options.items():
        if option not in known:
            raise ConfigurationError(f"namespace {name!r} has no option {option!r}; there are {', '.join(known)}")
        allowed = _allowed(option, known[option].metadata)
        if not _is_allowed(option, value, known[option].default, known[option].metadata):
            raise ConfigurationError(f"namespace {name!r}: {option} is {value!r}; expected {allowed}")
    if options.get("join_leave") and not options.get("presence"):
        raise ConfigurationError(f"namespace {name!r}: join_leave needs presence=True")


def _allowed(option: str, bounds: Any) -> str:
    if option == "slow":
        return " or ".join(map(repr, get_args(Slow)))
    if option.startswith("may_"):
        return "a function, or None"
    return f"a number from {bounds['least']} to {bounds['most']}" if bounds else "True or False"


def _is_allowed(option: str, value: object, default: object, bounds: Any) -> bool:
    if option == "slow":
        return value in get_args(Slow)
    if option.startswith("may_"):
        return value is None or callable(value)
    if isinstance(value, bool) or isinstance(default, bool):
        return type(value) is type(default)
    kinds = (int, float) if isinstance(default, float) else int
    # NaN is in no range.
    return isinstance(value, kinds) and not math.isnan(value) and bounds["least"] <= value <= bounds["most"]
