"""Requests to JetStream: streams, messages with a condition, and the messages of a subject."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from ....errors import BrokerRefused, BrokerUnavailable
from ....rare_log import RareLog
from .address import NatsSettings
from .connection import Reply
from .format import read_time
from .link import NatsLink

# The limits of one request for messages, and of concurrent requests. The answers arrive on the connection for live
# publications, which wait until the answers before them are read. A server drops a connection with more than 64 MiB
# unread (`max_pending`), and with it every subscription of the process.
MAX_READ_MESSAGES = 1_000
MAX_READ_BYTES = 256 * 1024
MAX_READS = 8
# Seconds before a request is repeated that a cluster without a leader does not answer, doubled each time.
FIRST_PAUSE = 0.02
MAX_PAUSE = 0.5
# The first version with all required features: several messages in one answer, and a time to live for each.
OLDEST = (2, 11)

# The second code means that another message of this subject is under way in a cluster.
# The last one means so of a message with the same ID.
_WRONG_LAST = {10071, 10164, 10158}
_NO_MESSAGE = 10037
_NO_STREAM = 10059
_OTHER_SETTINGS = 10058
_NOT_ENABLED = {10039, 10076}
_NO_LEADER = {10008, 10009, 10074}
_NOT_FOUND = 404
_NO_RESPONDERS = 503

WITHOUT = (
    "the NATS server has no JetStream, which keeps history and presence: start it with -js, or put jetstream {} into "
    "its configuration, and enable it for the account"
)

Answer = TypeVar("Answer", bound="_ApiAnswer")
Refusal = TypeVar("Refusal", bound=BrokerUnavailable)

logger = logging.getLogger("emmett.channels")


class Stored(NamedTuple):
    """A message of a stream.

    Fields:
        subject: its subject.
        sequence: its number in the stream.
        time: when it was stored, in seconds of the server's clock.
        headers: as they came.
        data: the content.
    """

    subject: str
    sequence: int
    time: float
    headers: bytes
    data: bytes


class Conflict(Exception):
    """Another publisher has written first."""


class Duplicate(Exception):
    """The stream has stored a message with the same ID before.

    Attributes:
        sequence: its number.
    """

    def __init__(self, sequence: int) -> None:
        super().__init__(sequence)
        self.sequence = sequence


class _NoStream(Exception):
    """There is no such stream, or it has no leader now."""


class _Error(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _ApiAnswer(msgspec.Struct):
    error: _Error | None = None


class _Ack(_ApiAnswer):
    seq: int = 0
    duplicate: bool = False


class _Info(_ApiAnswer):
    ts: str = ""
    config: dict[str, Any] = {}


class _Message(msgspec.Struct):
    subject: str
    seq: int
    time: str
    hdrs: str = ""
    data: str = ""


class _Got(_ApiAnswer):
    message: _Message | None = None


class JetStream:
    """JetStream, through a link.

    Arguments:
        link: the connection.
        settings: replicas, storage and domain.
        patience: seconds for an answer before a request that is safe to repeat is sent again.
    """

    def __init__(self, link: NatsLink, settings: NatsSettings, patience: float) -> None:
        self._link = link
        self._patience = patience
        self._settings = settings
        self._api_prefix = f"$JS.{settings.domain}.API" if settings.domain else "$JS.API"
        # By stream, the age of the connection that confirmed it, and how many messages it keeps per subject.
        self._streams: dict[str, tuple[int, int]] = {}
        self._lock = asyncio.Lock()
        self._log = RareLog(logger)
        self._reads = asyncio.Semaphore(MAX_READS)
        # The value to add to `time.monotonic()`.
        self._clock = 0.0

    def now(self) -> float:
        """Return the server's time, which gives messages their time; known once a stream was checked."""
        return time.monotonic() + self._clock

    def most_bytes(self) -> int:
        """Return the maximum size of a message without its header fields."""
        connection = self._link.connection
        return 1 if connection is None else max(1, connection.max_payload - 1024)

    async def require(self, name: str, size: int, config: Mapping[str, Any]) -> None:
        """Ensure that a stream exists. Several nodes may do so at once.

        Arguments:
            name: the stream.
            size: the number of messages to keep per subject; it is never lowered.
            config: its other settings.

        Raises:
            BrokerUnavailable: the stream could not be created.
        """
        if self._is_there(name, size):
            return
        async with self._lock:
            while not self._is_there(name, size):
                age = self._link.age
                found = await self._retry(self._make, name, size, config)
                self._streams[name] = (age, found)

    def forget(self, name: str) -> None:
        """Check a stream again when it is needed next."""
        self._streams.pop(name, None)

    async def append(
        self, stream: str, subject: str, data: bytes, headers: Mapping[str, str], life: float, last: int
    ) -> int:
        """Store a message if the last one of its subject has the number `last` (0: if there is none).

        Arguments:
            life: seconds after which the server deletes the message.

        Returns:
            The number of the message.

        Raises:
            Conflict: the last message has another number. Nothing was stored.
            Duplicate: there is a message with the same `Nats-Msg-Id`. Nothing was stored.
            BrokerUnavailable: there was no answer. The message may have been stored.
        """
        connection = await self._link.ready()
        if self._settings.domain and subject.startswith("$KV."):
            # A leaf node forwards no writes to buckets except these.
            subject = f"{self._api_prefix}.{subject}"
        fields = {**headers, "Nats-TTL": f"{int(life) + 1}s", "Nats-Expected-Last-Subject-Sequence": str(last)}
        [reply] = await connection.request(subject, data, fields)
        if reply.status == _NO_RESPONDERS:
            self.forget(stream)
            raise Conflict
        ack = _decode(reply, _Ack)
        if ack.error is not None:
            if ack.error.err_code in _WRONG_LAST:
                raise Conflict
            raise self._refusal(ack.error)
        if ack.duplicate:
            raise Duplicate(ack.seq)
        return ack.seq

    async def last(self, stream: str, subject: str) -> Stored | None:
        """Return the last message of a subject according to the leader of the stream."""
        return await self._get(stream, {"last_by_subj": subject})

    async def message(self, stream: str, sequence: int) -> Stored | None:
        """Return a message by its number, according to the leader of the stream; None if it is there no more."""
        return await self._get(stream, {"seq": sequence})

    async def remove(self, stream: str, subject: str, before: int) -> None:
        """Remove the messages of a subject whose numbers are smaller than that of a message."""
        question = {"filter": subject, "seq": before}
        [reply] = await self._retry(self._ask, f"{self._api_prefix}.STREAM.PURGE.{stream}", question)
        answer = _decode(reply, _ApiAnswer)
        if answer.error is not None:
            raise self._refusal(answer.error)

    async def _get(self, stream: str, question: Mapping[str, Any]) -> Stored | None:
        [reply] = await self._retry(self._ask, f"{self._api_prefix}.STREAM.MSG.GET.{stream}", question)
        if reply.status == _NO_RESPONDERS:
            self.forget(stream)
            return None
        got = _decode(reply, _Got)
        if got.error is not None:
            if got.error.err_code == _NO_STREAM:
                self.forget(stream)
                return None
            if got.error.err_code == _NO_MESSAGE:
                return None
            raise self._refusal(got.error)
        message = got.message
        if message is None:
            raise _strange()
        try:
            data, headers = base64.b64decode(message.data), base64.b64decode(message.hdrs)
            return Stored(message.subject, message.seq, read_time(message.time), headers, data)
        except ValueError:
            raise _strange() from None

    async def newest(self, stream: str, subject: str) -> Stored | None:
        """Return the last message of a subject according to any server with the stream: faster, but it may lag."""
        [reply] = await self._ask_any(f"{self._api_prefix}.DIRECT.GET.{stream}.{subject}", b"")
        if reply.status == _NO_RESPONDERS:
            self.forget(stream)
        return None if reply.status else _stored(reply)

    async def read(
        self, stream: str, subject: str, since: int, most: int, max_bytes: int | None = None
    ) -> tuple[list[Stored], int]:
        """Return messages of a subject, which may have wildcards, in order, and how many follow them.

        Arguments:
            since: the number in the stream to begin at.
            most: the maximum number of messages.
            max_bytes: the maximum number of bytes; a single message may be larger.
        """
        size = min(max_bytes or MAX_READ_BYTES, MAX_READ_BYTES)
        question = {"seq": max(1, since), "batch": min(most, MAX_READ_MESSAGES), "max_bytes": size}
        encoded = msgspec.json.encode({**question, "next_by_subj": subject})
        async with self._reads:
            replies = await self._ask_any(f"{self._api_prefix}.DIRECT.GET.{stream}", encoded, many=True)
        *messages, end = replies
        if end.status == _NO_RESPONDERS:
            self.forget(stream)
        elif end.status not in (204, _NOT_FOUND):
            raise BrokerUnavailable(f"the NATS broker does not answer: JetStream says {end.status}")
        found = [_stored(reply) for reply in messages]
        if not messages:
            return [], 0
        pending = messages[-1].field(b"Nats-Num-Pending") or b"0"
        return found, int(pending) if pending.isdigit() else 0

    def _is_there(self, name: str, size: int) -> bool:
        age, found = self._streams.get(name, (-1, 0))
        return age == self._link.age and found >= size

    def _refusal(self, error: _Error) -> BrokerUnavailable:
        """Return the error for a JetStream error, and log it: a 503 alone says nothing."""
        if error.err_code in _NOT_ENABLED:
            return self._logged(BrokerRefused(WITHOUT))
        return self._logged(
            BrokerUnavailable(f"the NATS broker refuses the request: {error.description[:200]} ({error.err_code})")
        )

    def _logged(self, error: Refusal) -> Refusal:
        self._log.warn("%s", error.message)
        return error

    async def _retry(self, call: Any, *arguments: Any) -> Any:
        """Repeat a call until a leader answers.

        Raises:
            BrokerUnavailable: no leader answers. It is raised before the deadline of the caller, whose error says less.
        """
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + 3 * self._patience, FIRST_PAUSE
        while True:
            try:
                return await call(*arguments)
            except _NoStream:
                if loop.time() + pause > end:
                    raise BrokerUnavailable(f"the NATS broker does not answer: {self._silence()}") from None
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_PAUSE)

    def _silence(self) -> str:
        """Describe why JetStream may not answer."""
        domain, connection = self._settings.domain, self._link.connection
        own = "" if connection is None else str(connection.info.get("domain") or "")
        here = f"the server itself is in domain {own!r}" if own else "the server itself is in no domain"
        if domain:
            return f"no JetStream of domain {domain!r} answers; {here}: check domain= in the URL"
        return f"no JetStream answers; {here}: if it is reached through a leaf node, set domain= in the URL"

    async def _ask(self, subject: str, content: Mapping[str, Any]) -> list[Reply]:
        """Send a request that is safe to repeat: a cluster without a leader does not answer at all.

        Raises:
            _NoStream: there was no answer.
        """
        connection = await self._link.ready()
        try:
            async with asyncio.timeout(self._patience):
                return await connection.request(subject, msgspec.json.encode(content))
        except TimeoutError:
            raise _NoStream from None

    async def _ask_any(self, subject: str, question: bytes, *, many: bool = False) -> list[Reply]:
        """Send a request that any server with the stream can answer, until one does. The caller sets the deadline.

        The request may reach a server that was killed, as long as the others have not noticed.
        """
        patience = self._patience
        while True:
            connection = await self._link.ready()
            try:
                async with asyncio.timeout(patience):
                    return await connection.request(subject, question, many=many)
            except TimeoutError:
                # A large answer may be on its way.
                patience *= 2

    async def _make(self, name: str, size: int, config: Mapping[str, Any]) -> int:
        fixed = {
            "name": name,
            "num_replicas": self._settings.replicas,
            "storage": self._settings.storage,
            "allow_direct": True,
        }
        wanted = {**config, **fixed, "max_msgs_per_subject": size, "allow_msg_ttl": True, "discard": "old"}
        info = await self._api("CREATE", name, wanted)
        if info.error is None:
            return size
        if info.error.err_code != _OTHER_SETTINGS:
            raise self._refusal(info.error)
        # It exists, with another size, or with settings that an administrator chose.
        info = await self._api("INFO", name, {})
        if info.error is not None:
            raise _NoStream
        for key in ("subjects", "republish", "allow_direct", "allow_msg_ttl"):
            if key in wanted and info.config.get(key) != wanted[key]:
                raise self._logged(
                    BrokerRefused(
                        f"the NATS broker has an incompatible stream {name}: its {key} is {info.config.get(key)!r}, "
                        f"expected {wanted[key]!r}; remove it, or use another prefix"
                    )
                )
        changes: dict[str, int] = {}
        found = info.config.get("max_msgs_per_subject")
        if isinstance(found, int) and 1 <= found < size:
            changes["max_msgs_per_subject"] = size
        elif isinstance(found, int):
            size = max(size, found)
        # How long IDs of messages are remembered, in nanoseconds; the server permits no more than their age.
        window, age = wanted.get("duplicate_window", 0), info.config.get("max_age", 0)
        if info.config.get("duplicate_window", 0) < window and not 0 < age < window:
            changes["duplicate_window"] = window
        if changes:
            info = await self._api("UPDATE", name, {**info.config, **changes})
            if info.error is not None:
                raise self._refusal(info.error)
        return size

    async def _api(self, verb: str, name: str, content: Mapping[str, Any]) -> _Info:
        server = (await self._link.ready()).info
        _check_version(server.get("version"))
        begin = time.monotonic()
        [reply] = await self._ask(f"{self._api_prefix}.STREAM.{verb}.{name}", content)
        if reply.status == _NO_RESPONDERS:
            if server.get("jetstream") or server.get("cluster"):
                raise _NoStream
            raise self._logged(BrokerRefused(WITHOUT))
        info = _decode(reply, _Info)
        if info.error is not None and info.error.err_code in _NO_LEADER:
            raise _NoStream
        if info.ts:
            try:
                self._clock = read_time(info.ts) - (begin + time.monotonic()) / 2
            except ValueError:
                raise _strange() from None
        return info


def _stored(reply: Reply) -> Stored:
    subject, sequence, stored_at = (
        reply.field(name) or b"" for name in (b"Nats-Subject", b"Nats-Sequence", b"Nats-Time-Stamp")
    )
    try:
        return Stored(subject.decode(), int(sequence), read_time(stored_at.decode()), reply.headers, reply.data)
    except ValueError:
        raise _strange() from None


def _decode(reply: Reply, kind: type[Answer]) -> Answer:
    if reply.status:
        raise BrokerUnavailable(f"the NATS broker does not answer: JetStream says {reply.status}")
    try:
        return msgspec.json.decode(reply.data, type=kind)
    except (msgspec.MsgspecError, RecursionError):
        raise _strange() from None


def _strange() -> BrokerUnavailable:
    return BrokerUnavailable("the NATS broker does not answer: the answer of JetStream is not of a known form")


def _check_version(version: object) -> None:
    parts = str(version).split(".")[:2]
    if all(part.isdigit() for part in parts) and tuple(map(int, parts)) < OLDEST:
        raise BrokerRefused(f"history and presence need NATS {OLDEST[0]}.{OLDEST[1]} or newer; this is {version}")
