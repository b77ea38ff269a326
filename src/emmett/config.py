"""Settings with their defaults: `app.config.websocket`, `app.config.http`, `app.config.server`.

Every limit and every deadline of emmett has its name here. A setting is checked on assignment: an unknown name or an
invalid value is an error that says what is allowed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

from . import checks
from .datastructures import sdict
from .errors import ConfigurationError
from .wire.forwarded import TrustedProxies
from .wire.hosts import AllowedHosts
from .wire.origin import OriginPolicy
from .wire.targets import QueryLogging

KIB = 1024
MIB = 1024 * KIB

# A number of calls in a number of seconds, minutes, hours or days.
RATE = re.compile(r"([1-9]\d*)/([1-9]\d*)?([smhd])")


class _Setting:
    """A default value and the check that a new value must pass."""

    def __init__(self, default: object, check: checks.Check) -> None:
        self.default = default
        self.check = check


def _count(default: int | None, unit: str, *, least: int = 1, most: int | None = None, optional: bool = False) -> Any:
    """Declare a whole number of `unit`; if it is optional, None leaves the choice to emmett or the system."""
    return _Setting(default, checks.whole_number(unit, least=least, most=most, optional=optional))


def _seconds(default: float | None, *, optional: bool = False) -> Any:
    """Declare a duration; if it is optional, None switches the feature off."""
    return _Setting(default, checks.seconds(optional=optional))


def _flag(default: bool) -> Any:
    """Declare a boolean."""
    return _Setting(default, checks.flag)


def _choice(default: str | None, *others: str | None) -> Any:
    """Declare one of several values."""
    return _Setting(default, checks.choice(default, *others))


def _origins(default: str) -> Any:
    """Declare the origins whose pages may connect, in the form of `wire.origin.OriginPolicy`."""

    def check(value: object) -> str | None:
        try:
            OriginPolicy(value)  # type: ignore[arg-type]
        except (ConfigurationError, TypeError) as error:
            return f"an origin or a list of them: {error}"
        return None

    return _Setting(default, check)


def _proxies() -> Any:
    """Declare the proxies that are trusted, in the form of `wire.forwarded.TrustedProxies`."""

    def check(value: object) -> str | None:
        try:
            TrustedProxies(value)  # type: ignore[arg-type]
        except ConfigurationError as error:
            return f"a list of proxies: {error}"
        return None

    return _Setting((), check)


def _hosts() -> Any:
    """Declare the hosts that are served, in the form of `wire.hosts.AllowedHosts`; None for all."""

    def check(value: object) -> str | None:
        if value is None:
            return None
        try:
            AllowedHosts(value)  # type: ignore[arg-type]
        except (ConfigurationError, TypeError) as error:
            return f"a list of hosts, or None for all: {error}"
        return None

    return _Setting(None, check)


def _memory() -> Any:
    """Declare a number of bytes; "auto" derives it from the available memory, None switches it off."""

    def check(value: object) -> str | None:
        if value is None or value == "auto":
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value >= MIB:
            return None
        return f"a whole number of bytes, at least {MIB}, or 'auto', or None to switch it off"

    return _Setting("auto", check)


def _rate(default: str) -> Any:
    """Declare a rate: a number of calls in a period."""

    def check(value: object) -> str | None:
        return None if isinstance(value, str) and RATE.fullmatch(value) else 'a rate, as in "20/s", "100/m" or "5/10s"'

    return _Setting(default, check)


def _version() -> Any:
    """Declare a name that can be part of a path."""

    def check(value: object) -> str | None:
        if value is None or (isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.~-][A-Za-z0-9._~-]{0,63}", value)):
            return None
        return "1 to 64 letters, digits, '.', '_', '~' or '-', not starting with '_'; or None"

    return _Setting(None, check)


class Settings:
    """A section of settings: typed attributes, checked on assignment.

    Raises:
        ConfigurationError: on assignment of an unknown name or an invalid value.
    """

    section: ClassVar[str]
    _settings: ClassVar[dict[str, _Setting]]
    _copies: list[Self]
    _own: set[str]

    def __init_subclass__(cls) -> None:
        cls._settings = {name: value for name, value in vars(cls).items() if isinstance(value, _Setting)}
        # A setting is a plain attribute, since connections read many: the default on the class, others on `self`.
        for name, setting in cls._settings.items():
            setattr(cls, name, setting.default)

    def __init__(self, **values: Any) -> None:
        # Copies that follow later changes here, and the names for which a copy has its own values.
        vars(self)["_copies"] = []
        vars(self)["_own"] = set()
        for name, value in values.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        setting = self._settings.get(name)
        if setting is None:
            raise ConfigurationError(
                f"{self.section} has no setting {name!r}; {checks.describe_allowed(name, sorted(self._settings))}"
            )
        wanted = setting.check(value)
        if wanted is not None:
            raise ConfigurationError(f"{self.section}.{name} = {value!r}: expected {wanted}")
        self._own.add(name)
        self._put(name, value)

    @classmethod
    def names(cls) -> frozenset[str]:
        """Return the names of the settings of this section."""
        return frozenset(cls._settings)

    def replace(self, values: dict[str, Any]) -> Self:
        """Return a copy with some values changed; later changes here still reach the names that are not in `values`.

        Raises:
            ConfigurationError: as on assignment.
        """
        copy = type(self)(**values)
        for name in self._settings.keys() & vars(self).keys() - copy._own:
            copy._put(name, vars(self)[name])
        self._copies.append(copy)
        return copy

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._settings)})"

    def _put(self, name: str, value: Any) -> None:
        vars(self)[name] = value
        for copy in self._copies:
            if name not in copy._own:
                copy._put(name, value)


class WebsocketSettings(Settings):
    """Limits and deadlines of a websocket connection; each may be given per route."""

    section = "websocket"

    # Bytes in a received message, over all its fragments.
    max_message_size: int = _count(1 * MIB, "bytes")
    # Frames in a received message; None allows one for each KiB of `max_message_size`, and at least 1024.
    max_fragments: int | None = _count(None, "frames", optional=True)
    # Messages, and bytes, that have been received and wait for `receive()`.
    inbox_messages: int = _count(16, "messages")
    inbox_bytes: int = _count(1 * MIB, "bytes")
    # Bytes written but not taken by the peer, above which `send()` waits.
    write_high_water: int = _count(64 * KIB, "bytes")
    # Bytes written but not taken by the peer, above which `send_nowait()` drops the connection.
    write_limit: int = _count(1 * MIB, "bytes")
    # Seconds within which a peer must read again once `send()` waits for it.
    send_timeout: float = _seconds(10.0)
    # Seconds within which the application must answer a handshake.
    accept_timeout: float = _seconds(10.0)
    # Seconds between two Pings to a peer, and within which it must answer one or send anything else.
    ping_interval: float | None = _seconds(20.0, optional=True)
    ping_timeout: float | None = _seconds(20.0, optional=True)
    # Seconds within which a frame must be complete once it has begun.
    frame_timeout: float = _seconds(30.0)
    # Seconds within which a peer must answer a Close frame.
    close_timeout: float = _seconds(10.0)
    # Seconds for which a busy handler may go on after the peer has left.
    disconnect_grace: float = _seconds(10.0)
    # Origins whose pages may connect: see `wire.origin.OriginPolicy`. In development, pages of this machine may too.
    origins: str | Sequence[str] = _origins("same-origin")
    # Whether to compress messages of clients that offer it: "deflate" (permessage-deflate, RFC 7692), or None.
    compression: str | None = _choice(None, "deflate")
    # Base-2 logarithm of the window, in bytes, in which repetitions are found. Each connection that has sent and
    # received compressed messages keeps one for either direction.
    compression_window_bits: int = _count(12, "bits", least=9, most=15)
    # The memory level of zlib: its tables take 2 to the power of this plus 9, in bytes.
    compression_memory_level: int = _count(5, "steps", least=1, most=9)
    # The size in bytes below which a sent message is not compressed, since it would cost more than it saves.
    compression_min_size: int = _count(64, "bytes", least=0)
    # Whether messages may refer to earlier ones: they become smaller, but each connection keeps its windows.
    compression_context_takeover: bool = _flag(True)

    @property
    def fragment_limit(self) -> int:
        """The maximum number of frames in a received message."""
        return self.max_fragments or max(1024, self.max_message_size // KIB)

    @functools.cached_property
    def shortest_deadline(self) -> float:
        """The shortest of the deadlines in seconds, which determines how often connections are checked."""
        names = ("send", "accept", "frame", "close", "ping")
        given = [getattr(self, f"{name}_timeout") for name in names] + [self.disconnect_grace, self.ping_interval]
        shortest: float = min(seconds for seconds in given if seconds is not None)
        return shortest

    def _put(self, name: str, value: Any) -> None:
        vars(self).pop("shortest_deadline", None)
        super()._put(name, value)


class HTTPSettings(Settings):
    """Limits and deadlines of a request; those of its body may be given per route."""

    section = "http"
    per_route = ("body_timeout", "disconnect_grace", "max_body_fields", "max_body_size", "max_form_memory")

    # Bytes, and fields, in the head of a request.
    max_head_size: int = _count(16 * KIB, "bytes")
    max_head_fields: int = _count(100, "fields")
    # Seconds within which the head must arrive.
    head_timeout: float = _seconds(10.0)
    # Bytes in the body of a request.
    max_body_size: int = _count(1 * MIB, "bytes", least=0)
    # Fields in a form or a JSON object.
    max_body_fields: int = _count(1000, "fields")
    # Bytes of a multipart form that are kept in memory: files beyond this limit go to disk, fields are refused.
    max_form_memory: int = _count(1 * MIB, "bytes", least=0)
    # Seconds within which a body must arrive; a long one gets one more second for each KiB.
    body_timeout: float = _seconds(30.0)
    # Seconds for which a handler may go on after its client has left; None lets it run to its end.
    disconnect_grace: float | None = _seconds(10.0, optional=True)
    # Seconds within which a peer must take as many KiB of its response, or all that is left of it.
    send_timeout: float = _seconds(30.0)
    # Seconds for which a client may use its copy of a static file without asking.
    static_max_age: int = _count(0, "seconds", least=0)
    # A version of the static files, such as "7" or a commit. It becomes part of their URLs, so that clients may keep
    # their copies forever.
    static_version: str | None = _version()

    @functools.cached_property
    def shortest_deadline(self) -> float:
        """The shortest of the deadlines that the server checks, in seconds."""
        return min(self.head_timeout, self.body_timeout, self.send_timeout, self.disconnect_grace or self.send_timeout)

    def _put(self, name: str, value: Any) -> None:
        vars(self).pop("shortest_deadline", None)
        super()._put(name, value)

    def for_route(self, values: dict[str, Any]) -> Self:
        """Return these settings with the values of a route.

        Raises:
            ConfigurationError: a setting is not in `per_route`, or a value is invalid.
        """
        for name in values:
            if name not in self.per_route:
                raise ConfigurationError(
                    f"a route has no option {name!r}; besides those of its registration, allowed are "
                    f"{', '.join(self.per_route)}"
                )
        return self.replace(values)


class CallsSettings(Settings):
    """Bounds of typed calls over a websocket; each may be given per route."""

    section = "calls"

    # Calls of a connection that run or wait for their turn, above which reading pauses.
    max_in_flight: int = _count(64, "calls")
    # Streams of a connection that run at the same time.
    max_streams: int = _count(16, "streams")
    # Messages in a batch.
    max_batch: int = _count(100, "messages")
    # How often a connection may send refused messages before it is closed with 4429.
    max_refusals: str = _rate("100/10s")


class CentrifugeSettings(Settings):
    """Bounds and deadlines of clients that speak the Centrifuge protocol; each may be given per endpoint."""

    section = "centrifuge"

    # Seconds between two pings to a client, and within which it must answer one.
    client_ping_interval: float = _seconds(25.0)
    pong_timeout: float = _seconds(8.0)
    # Seconds within which a client must send its first command.
    connect_timeout: float = _seconds(15.0)
    # Seconds for which a connection or a subscription continues after its expiry, for its client to refresh it.
    expire_grace: float = _seconds(25.0)
    # Clients of a worker, and those of one user among them; None for as many as come.
    max_clients: int | None = _count(None, "clients", optional=True)
    max_user_clients: int | None = _count(None, "clients", optional=True)
    # Channels that a client is subscribed to. In one frame it may send 1024 commands more than that.
    max_channels: int = _count(128, "channels")
    # Calls of a client that run at the same time, above which reading pauses.
    max_running_calls: int = _count(64, "calls")
    # Publications that a client may recover at once; a client that has missed more does not recover.
    max_recovered: int = _count(1000, "publications")
    # Publications in the answer to one request for history.
    max_history: int = _count(1000, "publications")


class ServerSettings(Settings):
    """Limits and deadlines of the server process."""

    section = "server"

    # Connections that a worker holds at once, including websockets.
    max_connections: int = _count(10_000, "connections")
    # Bytes that all peers of a worker together may occupy: received messages, bodies, unsent data. "auto" is half the
    # memory of the machine or the control group, shared by the workers; None for no limit.
    max_memory: int | Literal["auto"] | None = _memory()
    # Bytes of freed memory that a worker keeps for the next messages instead of returning them to the system, where the
    # C library is glibc; None leaves glibc's own defaults. Large messages cost less with it.
    kept_memory: int | None = _count(64 * MIB, "bytes", least=MIB, most=1024 * MIB, optional=True)
    # Seconds for which the largest connections are not read while the limit is exceeded, before they are dropped.
    memory_timeout: float = _seconds(10.0)
    # Seconds within which running handlers must end once the server stops.
    shutdown_timeout: float = _seconds(30.0)
    # Seconds for which the server still accepts connections once it is asked to stop. Health checks fail meanwhile, so
    # that load balancers send new clients elsewhere. None begins to drain at once.
    drain_delay: float | None = _seconds(None, optional=True)
    # Seconds within which a handler must end once it is cancelled because the server stops.
    cancel_timeout: float = _seconds(5.0)
    # The trusted proxies in front of the server, whose statements about the client are used: addresses, networks, and
    # "unix" for all peers of a unix socket. They apply from the start of the server on.
    trusted_proxies: Sequence[str] = _proxies()
    # The headers that they write: X-Forwarded-For and the like, or Forwarded (RFC 7239). The other kind is ignored: a
    # proxy that does not know it passes on the value that a visitor has sent.
    proxy_headers: Literal["x-forwarded", "forwarded"] = _choice("x-forwarded", "forwarded")
    # The hosts that are served, None for all: see `wire.hosts.AllowedHosts`. In development, the names of this machine
    # and the address that the server listens on are always allowed, and None allows no others.
    allowed_hosts: str | Sequence[str] | None = _hosts()
    # The part of a query that the logs show: the names of its variables, all of it, or nothing.
    log_query: QueryLogging = _choice("names", "all", "none")


class Config(sdict[Any]):
    """The settings of an application: five checked sections, and any other values that the application stores.

    >>> config = Config()
    >>> config.websocket.max_message_size
    1048576
    >>> config.mailer = "smtp://localhost"
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(
            websocket=WebsocketSettings(),
            http=HTTPSettings(),
            server=ServerSettings(),
            calls=CallsSettings(),
            centrifuge=CentrifugeSettings(),
        )

    def __missing__(self, name: str) -> None:
        # Any other name belongs to the application, and reads as None.
        from difflib import get_close_matches

        sections = [section for section, value in dict.items(self) if isinstance(value, Settings)]
        if close := get_close_matches(name, sections, n=1, cutoff=0.75):
            raise ConfigurationError(
                f"config has no section {name!r}; did you mean {close[0]!r}? The sections are {', '.join(sections)}"
            )

    def __setitem__(self, name: str, value: Any) -> None:
        current = dict.get(self, name)
        if isinstance(current, Settings) and type(value) is not type(current):
            raise ConfigurationError(f"config.{name} is a section; assign its settings: config.{name}.<name> = …")
        super().__setitem__(name, value)

    @property
    def websocket(self) -> WebsocketSettings:
        """Limits and deadlines of websocket connections."""
        section: WebsocketSettings = self["websocket"]
        return section

    @property
    def http(self) -> HTTPSettings:
        """Limits and deadlines of requests."""
        section: HTTPSettings = self["http"]
        return section

    @property
    def calls(self) -> CallsSettings:
        """Bounds of typed calls."""
        section: CallsSettings = self["calls"]
        return section

    @property
    def centrifuge(self) -> CentrifugeSettings:
        """Bounds of clients that speak the Centrifuge protocol."""
        section: CentrifugeSettings = self["centrifuge"]
        return section

    @property
    def server(self) -> ServerSettings:
        """Limits and deadlines of the server process."""
        section: ServerSettings = self["server"]
        return section
