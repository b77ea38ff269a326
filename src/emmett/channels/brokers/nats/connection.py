"""One connection to a NATS server, opened and read by nats-py.

nats-py implements the protocol: TLS, logins, keys, the parser. Its other features do not suit the promises of a broker
and are not used. In nats-py 2.16:

- A subscription costs a queue, and with a callback a task; here it is an entry in a dict, and each message is passed on
  where it is parsed. Nothing waits inside the client, so nothing can be dropped there: the server disconnects a client
  that cannot keep up, which is noticed and reported.
- A flush that is not answered in time leaves a cancelled future in a list. When the answer arrives after all, it
  silently ends the task that reads.
- Messages published while the connection is away wait in a buffer, and are sent when no caller expects it any more.
- Errors that end a connection for a while, such as that of a slow consumer, close the client for ever.

Here a client of nats-py therefore lives for one connection, and `link.py` opens the next one. The private parts of
nats-py that this needs are in `client.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nats import errors

from ....errors import BrokerRefused, BrokerUnavailable
from ....rare_log import RareLog
from ..liveness import Liveness
from .address import NatsAddress, NatsSettings
from .client import KEY_ERRORS, NatsClient, NatsTransport, describe

# Bytes that may wait to be sent; any more are refused.
MAX_UNSENT = 64 * 1024 * 1024
# Disables the pings of nats-py, which would drop a silent connection in its own way.
NEVER = 10 * 365 * 86_400
# The number of the subscription for replies.
INBOX = 1

# The errors of nats-py when no connection can be opened.
_FAILURES: tuple[type[Exception], ...] = (errors.Error, OSError, TimeoutError, ValueError, *KEY_ERRORS)
logger = logging.getLogger("emmett.channels")

_REFUSED = re.compile(r"permissions violation for (publish|subscription) to \"([^\"]*)\"")
_NOT_PERMITTED = re.compile("authorization violation|authentication", re.IGNORECASE)
_STATUS = re.compile(rb"NATS/1\.0 ([0-9]{3})")


class Reply(NamedTuple):
    """A reply.

    Fields:
        status: the status; 0 if there is none, which means success.
        headers: the raw header fields.
        data: the content.
    """

    status: int
    headers: bytes
    data: bytes

    def field(self, name: bytes) -> bytes | None:
        """Return the value of a header field."""
        return find_field(self.headers, name)


def find_field(headers: bytes, name: bytes) -> bytes | None:
    """Return the value of a header field; None if it is missing."""
    begin = headers.find(b"\r\n" + name + b":")
    if begin < 0:
        return None
    begin += len(name) + 3
    return headers[begin : headers.find(b"\r\n", begin)].strip()


class _Request:
    __slots__ = ("future", "has_many", "replies", "subject")

    def __init__(self, subject: str, future: asyncio.Future[list[Reply]], has_many: bool) -> None:
        self.subject = subject
        self.future = future
        self.has_many = has_many
        self.replies: list[Reply] = []


class _Turn:
    """The commands written in one turn of the event loop, and the calls that wait until the server has read them."""

    __slots__ = ("refused", "subjects", "waiters")

    def __init__(self) -> None:
        self.waiters: list[asyncio.Future[str | None]] = []
        self.subjects: list[str] = []
        self.refused: dict[str, str] = {}


class NatsConnection:
    """A connection.

    Arguments:
        address: the server.
        settings: the login settings.
        hear: called for each message with the number of the subscription, the subject, the content and the header
            fields (empty without any).

    Attributes:
        broken: done when the connection is lost, with the reason.
        liveness: counts how long nothing has been received.
        info: the server's information about itself and about the limits of the account.
    """

    def __init__(
        self, address: NatsAddress, settings: NatsSettings, hear: Callable[[int, bytes, bytes, bytes], None]
    ) -> None:
        self.address = address
        self.broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.liveness = Liveness()
        self.info: Mapping[str, Any] = {}
        self._settings = settings
        self._log = RareLog(logger)
        self._hear = hear
        self._client = NatsClient(self)
        self._transport = NatsTransport(address.tls)
        self._client._transport = self._transport
        self._inbox = f"_INBOX.{secrets.token_hex(11)}."
        self._requests: dict[bytes, _Request] = {}
        self._numbers = 0
        self._out: list[bytes] = []
        self._unsent = 0
        self._turn: _Turn | None = None
        self._turns: deque[_Turn] = deque()

    async def open(self, name: str, seconds: float) -> None:
        """Connect.

        Arguments:
            name: the name of the connection at the server.
            seconds: the time limit.

        Raises:
            BrokerUnavailable: connecting failed; no resources remain in use.
        """
        failures: list[str] = []

        async def note(error: Exception) -> None:
            failures.append(describe(error))

        try:
            async with asyncio.timeout(seconds):
                await self._client.connect(
                    [self.address.url],
                    error_cb=note,
                    name=name,
                    allow_reconnect=False,
                    connect_timeout=NEVER,
                    reconnect_time_wait=0,
                    max_reconnect_attempts=1,
                    ping_interval=NEVER,
                    tls=self._tls(),
                    tls_hostname=self.address.name,
                    user_credentials=self._settings.credentials or None,
                    nkeys_seed=self._settings.nkey or None,
                    **self.address.login,  # type: ignore[arg-type]
                )
                reading = self._client._reading_task
                assert reading is not None
                reading.add_done_callback(lambda _: self.break_off("nothing is read any more"))
                self.info = {**self._client._server_info, **self.info}
                await self._open_inbox()
        except BrokerUnavailable:
            await self.close()
            raise
        except _FAILURES as error:
            await self.close()
            if isinstance(error, KEY_ERRORS):
                raise self.refusal(f"the key in its file cannot be read: {type(error).__name__}") from None
            reason = failures[-1] if isinstance(error, errors.NoServersError) and failures else describe(error)
            if _NOT_PERMITTED.search(reason):
                raise self.refusal(f"{reason}; check the user, the password and the keys") from None
            raise self.unavailable("no answer in time" if isinstance(error, TimeoutError) else reason) from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection at once; data not yet sent is lost."""
        self.break_off("it was stopped")
        with contextlib.suppress(Exception):
            await self._client.close()

    def servers(self) -> list[NatsAddress]:
        """Return the other servers of the cluster, as far as this one has announced them."""
        return [
            self.address.move(url.hostname, url.port or 4222)
            for url in self._client.discovered_servers
            if url.hostname is not None
        ]

    def unavailable(self, why: str) -> BrokerUnavailable:
        """Return the error to raise if there is no answer."""
        return BrokerUnavailable(f"the NATS broker at {self.address.label} does not answer: {why}")

    def refusal(self, why: str) -> BrokerRefused:
        """Return the error to raise if the server refuses a call and retrying does not help."""
        return BrokerRefused(f"the NATS broker at {self.address.label} refuses: {why}")

    async def _open_inbox(self) -> None:
        """Subscribe to the subject for replies. The limits of the account are known after that, too.

        Raises:
            BrokerRefused: the server does not permit it.
        """
        subject = f"{self._inbox}*"
        self.write(f"SUB {subject} {INBOX}\r\n".encode())
        try:
            await self.flush(subject)
        except BrokerRefused:
            raise self.refusal(
                "it does not permit subscription to _INBOX.>, on which it answers; permit it for this user"
            ) from None

    # Writing.

    def write(self, command: bytes) -> None:
        """Send a command together with all others of this turn of the event loop.

        Raises:
            BrokerUnavailable: the connection is lost, or too much data waits to be sent.
        """
        if self.broken.done():
            raise self.unavailable(self.broken.result())
        if self._unsent + len(command) > MAX_UNSENT or self._transport.unsent() > MAX_UNSENT:
            raise self.unavailable("it takes nothing more: too much data waits to be sent")
        if not self._out:
            asyncio.get_running_loop().call_soon(self._send)
        self._out.append(command)
        self._unsent += len(command)

    async def flush(self, *subjects: str) -> None:
        """Wait until the server has read everything written before. Callers in one turn share one PING.

        Arguments:
            subjects: the subjects of the commands; if the server refuses one, this raises.

        Raises:
            BrokerRefused: the server refuses a subject.
            BrokerUnavailable: the connection was lost.
        """
        turn = self.ask()
        waiter: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        turn.waiters.append(waiter)
        turn.subjects.extend(subjects)
        why = await waiter
        if why is not None:
            raise self.unavailable(why)
        if turn.refused:
            mine = [subject for subject in subjects if subject in turn.refused]
            if mine:
                raise BrokerRefused(self.refusal(turn.refused[mine[0]]).message, mine)

    def ask(self) -> _Turn:
        """Request an answer to the commands written in this turn of the event loop.

        Raises:
            BrokerUnavailable: the connection is lost.
        """
        self.write(b"")
        if self._turn is None:
            self._turn = _Turn()
        return self._turn

    async def publish(self, subject: str, payload: bytes) -> None:
        """Publish, and wait until the server has read the message.

        Raises:
            BrokerRefused: the message is too large, or not permitted.
            BrokerUnavailable: the connection was lost.
        """
        self.check_size(len(payload))
        self.write(b"PUB %b %d\r\n%b\r\n" % (subject.encode(), len(payload), payload))
        await self.flush(subject)

    async def request(
        self, subject: str, payload: bytes, headers: Mapping[str, str] | None = None, *, many: bool = False
    ) -> list[Reply]:
        """Send a request, and return its replies: with `many`, all before the one whose status ends them.

        Raises:
            BrokerRefused: the request is too large, or not permitted.
            BrokerUnavailable: the connection was lost.
        """
        self._numbers += 1
        token = b"%d" % self._numbers
        reply = self._inbox.encode() + token
        if headers:
            head = b"NATS/1.0\r\n%b\r\n" % "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
            sizes = (len(head), len(head) + len(payload))
            self.check_size(sizes[1])
            command = b"HPUB %b %b %d %d\r\n%b%b\r\n" % (subject.encode(), reply, *sizes, head, payload)
        else:
            self.check_size(len(payload))
            command = b"PUB %b %b %d\r\n%b\r\n" % (subject.encode(), reply, len(payload), payload)
        request = _Request(subject, asyncio.get_running_loop().create_future(), many)
        self.write(command)
        self._requests[token] = request
        try:
            return await request.future
        finally:
            self._requests.pop(token, None)

    @property
    def max_payload(self) -> int:
        """The maximum size of a message, including its header fields, for this account."""
        return int(self.info.get("max_payload", 1_048_576))

    def check_size(self, size: int) -> None:
        """Refuse a message that is too large: the server would close the connection, with all subscriptions.

        Raises:
            BrokerRefused: the message is too large.
        """
        if size > self.max_payload:
            raise self.refusal(
                f"a message of {size} bytes: raise max_payload, {self.max_payload} now, in the configuration of the "
                "server or of the account"
            )

    def _send(self) -> None:
        out, self._out, self._unsent = self._out, [], 0
        if self.broken.done():
            return
        turn, self._turn = self._turn, None
        if turn is not None:
            self._turns.append(turn)
            out.append(b"PING\r\n")
        self._transport.write(b"".join(out))

    # Reading.

    def take(self, number: int, subject: bytes, data: bytes, headers: bytes) -> None:
        """Handle a message."""
        self.liveness.quiet = 0
        if number != INBOX:
            self._hear(number, subject, data, headers)
            return
        request = self._requests.get(subject.rpartition(b".")[2])
        if request is None or request.future.done():
            return
        status = _STATUS.match(headers) if headers else None
        reply = Reply(int(status[1]) if status else 0, headers, data)
        request.replies.append(reply)
        if not request.has_many or status:
            request.future.set_result(request.replies)

    def answered(self) -> None:
        """Handle the answer to a PING: the server has read everything written before."""
        self.liveness.quiet = 0
        if self._turns:
            for waiter in self._turns.popleft().waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def informed(self, info: Mapping[str, Any]) -> None:
        """Handle information that the server sends later: the limits of the account after the login, and changes after
        a reload of its configuration.
        """
        self.info = {**self.info, **info}

    def refused(self, message: str) -> None:
        """Handle an error of the server. All errors except missing permissions end the connection."""
        match = _REFUSED.search(message)
        if match is None:
            self.break_off(f"it answered {message[:200]}")
            return
        # `link.py` knows the channels of a subscription.
        if match[1] == "publish":
            self._log.warn("the NATS broker at %s does not permit publish: %s", self.address.label, match[2])
        # nats-py has lowercased it.
        subject = match[2]
        for turn in self._turns:
            for name in turn.subjects:
                if name.lower() == subject:
                    turn.refused[name] = f"it does not permit {match[1]}: {name}"
        for request in self._requests.values():
            if request.subject.lower() == subject and not request.future.done():
                request.future.set_exception(self.refusal(f"it does not permit {match[1]}: {request.subject}"))

    def break_off(self, why: str) -> None:
        """Drop the connection, and fail all calls that wait."""
        if self.broken.done():
            return
        self.broken.set_result(why)
        self._transport.abort()
        turns = [*self._turns, self._turn] if self._turn is not None else [*self._turns]
        self._turns.clear()
        for turn in turns:
            for waiter in turn.waiters:
                if not waiter.done():
                    waiter.set_result(why)
        for request in self._requests.values():
            if not request.future.done():
                request.future.set_exception(self.unavailable(why))

    def _tls(self) -> ssl.SSLContext | None:
        return self._settings.make_context() if self.address.tls or self._settings.ca else None
