"""Options of a namespace: of all channels whose names share the part before the first colon."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypedDict, get_args

from .. import checks
from ..errors import ConfigurationError, InvalidChannel
from .brokers.port import Limits
from .names import check_channel, namespace_of

Slow = Literal["disconnect", "drop_oldest", "latest"]
Delta = Literal["fossil"]
MaySubscribe = Callable[[str], bool | Awaitable[bool]]
MayPublish = Callable[[str, str | bytes], bool | Awaitable[bool]]


class Options(TypedDict, total=False):
    """The options of a namespace; see `Namespace` for their meaning."""

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
    delta: Delta | None


@dataclass(frozen=True, slots=True, eq=False)
class Namespace:
    """The options of a namespace.

    Attributes:
        name: the part of its channels' names before the colon; empty for channels without a colon.
        history: how many publications each channel keeps; 0 for none, in which case publications have no position.
        history_ttl: seconds after which they expire.
        presence: whether its channels have members.
        presence_ttl: seconds after which the members of a crashed node expire.
        join_leave: whether subscribers get the joins and leaves of members.
        slow: the policy for a subscriber whose queue overflows: "disconnect" ends it, "drop_oldest" drops the oldest
            publications in its queue, "latest" keeps the newest publication of each channel.
        queue_messages, queue_bytes: how much may wait for a subscriber that does not keep up.
        max_message_size: the maximum bytes of a publication, text in UTF-8.
        may_subscribe: called with the channel or pattern, in the context of the subscriber; a false result refuses.
        may_publish: called with channel and data, in the context of the publisher; a false result refuses.
        delta: "fossil" to send publications as differences to those before them, to SDKs that ask for it.
    """

    name: str = ""
    history: int = 0
    history_ttl: float = 300.0
    presence: bool = False
    presence_ttl: float = 30.0
    join_leave: bool = False
    slow: Slow = "disconnect"
    queue_messages: int = 1024
    queue_bytes: int = 1_048_576
    max_message_size: int = 1_048_576
    may_subscribe: MaySubscribe | None = None
    may_publish: MayPublish | None = None
    delta: Delta | None = None

    @property
    def limits(self) -> Limits | None:
        """How much history its channels keep; None without history."""
        return Limits(self.history, self.history_ttl) if self.history else None


CHECKS: dict[str, checks.Check] = {
    "history": checks.whole_number(least=0, most=1_000_000),
    "history_ttl": checks.seconds(least=0.001, most=31_536_000),
    "presence": checks.flag,
    "presence_ttl": checks.seconds(least=1, most=86_400),
    "join_leave": checks.flag,
    "slow": checks.choice(*get_args(Slow)),
    "queue_messages": checks.whole_number(most=1_000_000),
    "queue_bytes": checks.whole_number(most=1_073_741_824),
    "max_message_size": checks.whole_number(most=1_073_741_824),
    "may_subscribe": checks.function,
    "may_publish": checks.function,
    "delta": checks.choice(*get_args(Delta), None),
}

# The options of undeclared namespaces. They share one object, as their names may come from visitors.
DEFAULT = Namespace()


class Namespaces:
    """The namespaces of an application."""

    def __init__(self) -> None:
        self._declared: dict[str, Namespace] = {}

    def declare(self, name: str, options: Options) -> Namespace:
        """Add a namespace.

        Raises:
            ConfigurationError: it is already declared, or its name or an option is invalid.
        """
        if name in self._declared:
            raise ConfigurationError(f"namespace {name!r} is already declared: give all its options at once")
        if ":" in name:
            raise ConfigurationError(f"namespace {name!r}: expected the part before the colon, such as 'room'")
        try:
            check_channel(name or "-")
        except InvalidChannel as error:
            raise ConfigurationError(f"namespace {name!r}: {error}") from None
        _check(name, dict(options))
        if "max_message_size" not in options:
            # Setting only a short queue must not be an error.
            least = min(DEFAULT.max_message_size, options.get("queue_bytes", DEFAULT.queue_bytes))
            options = {**options, "max_message_size": least}
        elif options["max_message_size"] > options.get("queue_bytes", DEFAULT.queue_bytes):
            raise ConfigurationError(
                f"namespace {name!r}: max_message_size = {options['max_message_size']}: expected at most queue_bytes, "
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
    for option, value in options.items():
        if option not in CHECKS:
            allowed = checks.describe_allowed(option, CHECKS)
            raise ConfigurationError(f"namespace {name!r} has no option {option!r}; {allowed}")
        wanted = CHECKS[option](value)
        if wanted is not None:
            raise ConfigurationError(f"namespace {name!r}: {option} = {value!r}: expected {wanted}")
    if options.get("join_leave") and not options.get("presence"):
        raise ConfigurationError(f"namespace {name!r}: join_leave requires presence=True")
    if options.get("delta") and options.get("slow", DEFAULT.slow) != "disconnect":
        # A difference to a publication that was dropped is of no use.
        raise ConfigurationError(f"namespace {name!r}: delta requires slow='disconnect'")
