"""The private parts of nats-py that emmett uses, and the check that they exist.

nats-py has no public hooks for what `connection.py` needs, so these classes override private methods. The versions that
have them are known (`TESTED`). Another version is refused at start-up with an error that names it, instead of failing
at the first message.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from nats import errors
from nats.aio.client import Client
from nats.aio.transport import TcpTransport

from ....errors import ConfigurationError

# The versions that the tests cover; pyproject.toml has the same range.
TESTED = ">=2.16,<2.17"

try:
    from nkeys import NkeysError  # type: ignore[import-untyped]

    # The errors raised when reading a key.
    KEY_ERRORS: tuple[type[Exception], ...] = (NkeysError,)
except ModuleNotFoundError:
    KEY_ERRORS = ()

# The methods of `Client` that are overridden, with their parameters.
_HOOKS = {
    "_process_msg": ("self", "sid", "subject", "reply", "data", "headers"),
    "_process_pong": ("self",),
    "_process_err": ("self", "err_msg"),
    "_process_op_err": ("self", "e"),
    "_process_info": ("self", "info", "initial_connection"),
}
_CLIENT_ATTRIBUTES = ("_transport", "_reading_task", "_server_info")


class Owner(Protocol):
    """The connection that a client belongs to."""

    def take(self, number: int, subject: bytes, data: bytes, headers: bytes) -> None:
        """Handle a message."""

    def answered(self) -> None:
        """Handle the answer to a PING."""

    def informed(self, info: Mapping[str, Any]) -> None:
        """Handle information that the server sends after the handshake."""

    def refused(self, message: str) -> None:
        """Handle an error of the server."""

    def break_off(self, why: str) -> None:
        """Drop the connection."""


class NatsClient(Client):
    """A client of nats-py that passes everything it reads to its owner, and leaves a lost connection to it."""

    def __init__(self, owner: Owner) -> None:
        super().__init__()
        self._owner = owner

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        self._owner.take(sid, subject, data, headers or b"")

    async def _process_pong(self) -> None:
        self._owner.answered()

    async def _process_err(self, err_msg: str) -> None:
        self._owner.refused(err_msg)

    async def _process_op_err(self, e: Exception) -> None:
        self._owner.break_off(describe(e))

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        await super()._process_info(info, initial_connection)
        if not initial_connection:
            # nats-py only looks for other servers in it, and ignores the limits of the account.
            self._owner.informed(info)


class NatsTransport(TcpTransport):
    """A transport that can be dropped at once, and never sends a login in the clear if TLS was requested."""

    def __init__(self, needs_tls: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._is_plain = needs_tls

    def __bool__(self) -> bool:
        return True

    async def connect_tls(self, *args: Any, **kwargs: Any) -> None:
        await super().connect_tls(*args, **kwargs)
        self._is_plain = False

    async def wait_closed(self) -> None:
        # The connection was dropped. Waiting for a socket whose TLS failed would never end.
        return

    def write(self, payload: bytes) -> None:
        if self._is_plain:
            raise errors.Error("its URL says tls://, and it does not ask for TLS")
        if self._io_writer is not None:
            self._io_writer.write(payload)

    def unsent(self) -> int:
        """Return the number of bytes buffered by the event loop."""
        return 0 if self._io_writer is None else self._io_writer.transport.get_write_buffer_size()

    def abort(self) -> None:
        """Close the socket at once, even if data is still unsent."""
        if self._io_writer is not None:
            self._io_writer.transport.abort()


def check_library(needs_keys: bool = False) -> None:
    """Check that nats-py has the private parts that this module overrides.

    Arguments:
        needs_keys: whether nkeys, with which nats-py signs, must be installed as well.

    Raises:
        ConfigurationError: something is missing; the error names the version, what is missing and what to install.
    """
    if needs_keys and not KEY_ERRORS:
        raise ConfigurationError("credentials= and nkey= need the library 'nkeys': pip install 'nkeys>=0.2,<1'")
    client = Client()
    missing = [f"Client.{name}" for name, parameters in _HOOKS.items() if _parameters(Client, name) != parameters]
    missing += [f"Client.{name}" for name in _CLIENT_ATTRIBUTES if not hasattr(client, name)]
    if not hasattr(TcpTransport(), "_io_writer"):  # type: ignore[no-untyped-call]
        missing.append("TcpTransport._io_writer")
    if missing:
        raise ConfigurationError(
            f"nats-py {_version()} does not have {', '.join(missing)} as emmett needs it: install 'nats-py{TESTED}'"
        )


def describe(error: Exception) -> str:
    """Return the message of an error from nats-py or the operating system."""
    return (str(error) or type(error).__name__).removeprefix("nats: ")[:200]


def _parameters(kind: type, name: str) -> tuple[str, ...] | None:
    function = getattr(kind, name, None)
    return tuple(inspect.signature(function).parameters) if inspect.iscoroutinefunction(function) else None


def _version() -> str:
    try:
        return version("nats-py")
    except PackageNotFoundError:
        return "of an unknown version"
