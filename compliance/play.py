"""Play a case, and check the result."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from hashlib import sha1

from tests.integration.servers import run_emmett
from tests.wire.frame_maker import CLOSE, PING, PONG, TEXT, client_frame, close_payload

from .application import Record, Records, make_app
from .case import KEY, Exchange, Handshake, Message, request
from .peer import Answer, Peer, Violation, connect

# Seconds for a case, which takes milliseconds: a server that waits forever fails.
DEADLINE = 20.0
NORMAL = 1000
# Messages of at least this many bytes in the cases of RFC 7692 are repetitive, and must be compressed.
COMPRESSIBLE = 400
NO_STATUS = 1005

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ACCEPT = b64encode(sha1(KEY + _GUID, usedforsecurity=False).digest()).decode()


class Referee:
    """Plays cases against a server in this event loop.

    Arguments:
        port: the port of the server.
        records: the records of the server's application.
    """

    def __init__(self, port: int, records: Records) -> None:
        self._port = port
        self._records = records
        self._numbers = itertools.count()

    async def play(self, case: Handshake | Exchange) -> str | None:
        """Play one case, and return what was wrong; `None` if it passed."""
        try:
            async with asyncio.timeout(DEADLINE), connect(self._port) as peer:
                if isinstance(case, Handshake):
                    await _play_handshake(case, peer)
                else:
                    await self._play_exchange(case, peer)
        except Violation as violation:
            return str(violation)
        except TimeoutError:
            return f"not over after {DEADLINE:g} s"
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            return f"the connection ended too early: {error}"
        return None

    async def _play_exchange(self, case: Exchange, peer: Peer) -> None:
        number = str(next(self._numbers))
        record = self._records[number] = Record()
        try:
            offer = (b"Sec-WebSocket-Extensions: " + case.offer.encode(),) if case.offer is not None else ()
            await peer.send(request({}, *offer, line=f"GET {case.path}?case={number} HTTP/1.1".encode()))
            answer = await peer.read_answer()
            _check_switch(answer)
            _check_extensions(case, peer, answer.fields.get("sec-websocket-extensions"))
            await peer.send(*case.pieces)
            if case.close:
                replies = await _read_refused(case, peer)
                _require(replies == list(case.messages)[: len(replies)], f"came back: {_shown(replies)}")
            else:
                await _converse(case, peer)
            await record.ended.wait()
            _require(record.messages == list(case.messages), f"the application got {_shown(record.messages)}")
        finally:
            del self._records[number]


async def _play_handshake(case: Handshake, peer: Peer) -> None:
    await peer.send(*case.pieces)
    answer = await peer.read_answer()
    _require(answer.status in case.statuses, f"answered with {answer.status}, not {_listed(case.statuses)}")
    for name, value in case.fields.items():
        found = answer.fields.get(name)
        _require(found == value, f"{name} is {found!r}, not {value!r}")
    if answer.status != 101:
        await peer.read_body(answer)
        return
    _check_switch(answer)
    await peer.send(client_frame(TEXT, b"hello"))
    replies = [peer.decode(await peer.read_frame()) for _ in range(len(case.following) + 1)]
    _require(replies == [*case.following, "hello"], f"came back: {_shown(replies)}")
    _require(not await _close(peer), "a Pong without a Ping")


def _check_switch(answer: Answer) -> None:
    """Check the fields of a 101 (RFC 6455, 4.2.2)."""
    _require(answer.status == 101, f"the handshake was answered with {answer.status}")
    _require(answer.fields.get("upgrade", "").lower() == "websocket", "no `Upgrade: websocket`")
    _require(answer.fields.get("connection", "").lower() == "upgrade", "no `Connection: Upgrade`")
    _require(answer.fields.get("sec-websocket-accept") == _ACCEPT, "Sec-WebSocket-Accept does not fit the key")
    _require("content-length" not in answer.fields, "a 101 with Content-Length")


def _check_extensions(case: Exchange, peer: Peer, answered: str | None) -> None:
    """Check the negotiated extension (RFC 7692, 5 and 7.1), and prepare the peer for it."""
    if case.agreed is None:
        _require(answered is None, f"an extension was negotiated: {answered}")
        return
    _require(answered is not None, "no extension was negotiated")
    assert answered is not None
    name, *parameters = [part.strip() for part in answered.split(";")]
    wanted_name, *wanted = [part.strip() for part in case.agreed.split(";")]
    _require(name == wanted_name and sorted(parameters) == sorted(wanted), f"negotiated {answered!r}")
    values = dict(parameter.partition("=")[::2] for parameter in parameters)
    peer.inflate(
        window_bits=int(values.get("server_max_window_bits", "15")),
        keeps_context="server_no_context_takeover" not in values,
    )


async def _converse(case: Exchange, peer: Peer) -> None:
    """Read all expected replies, then close."""
    expected = list(case.messages if case.replies is None else case.replies)
    replies: list[Message] = []
    pongs: list[bytes] = []
    while len(replies) < len(expected) or pongs[-1:] != list(case.pongs[-1:]):
        frame = await peer.read_frame()
        if frame.opcode == PONG:
            pongs.append(frame.payload)
        elif frame.opcode == CLOSE:
            raise Violation(f"closed with {_code(frame.payload)} {frame.payload[2:].decode(errors='replace')!r}")
        else:
            _require(frame.opcode != PING, "a premature Ping")
            replies.append(peer.decode(frame))
            compressible = peer.inflater is not None and len(frame.payload) >= COMPRESSIBLE
            _require(not compressible or frame.compressed, "a long message came back uncompressed")
    _require(replies == expected, f"came back: {_shown(replies)}")
    pongs += await _close(peer)
    _require(_answers(pongs, case.pongs), f"the Pongs were {_shown(pongs)}")


async def _close(peer: Peer) -> list[bytes]:
    """Close the connection, and return the payloads of Pongs that came before its end."""
    pongs: list[bytes] = []
    await peer.send(client_frame(CLOSE, close_payload(NORMAL)))
    while (frame := await peer.read_frame()).opcode == PONG:
        pongs.append(frame.payload)
    _require(frame.opcode == CLOSE and _code(frame.payload) == NORMAL, f"no Close with 1000, but {frame}")
    await peer.read_end()
    return pongs


def _answers(pongs: Sequence[bytes], pings: Sequence[bytes]) -> bool:
    """Return whether Pongs answer Pings: in order, always the last one, optionally others (RFC 6455, 5.5.3)."""
    left = iter(pings)
    return all(pong in left for pong in pongs) and list(pongs[-1:]) == list(pings[-1:])


async def _read_refused(case: Exchange, peer: Peer) -> list[Message]:
    """Read the server's Close frame and the end of the connection, and return the messages that came before."""
    replies: list[Message] = []
    pongs: list[bytes] = []
    while (frame := await peer.read_frame()).opcode != CLOSE:
        if frame.opcode == PONG:
            pongs.append(frame.payload)
        else:
            replies.append(peer.decode(frame))
    _require(_answers(pongs, case.pongs), f"the Pongs were {_shown(pongs)}")
    code = _code(frame.payload)
    _require(code in case.close, f"closed with {code}, not {_listed(case.close)}")
    reason = frame.payload[2:].decode()
    _require(case.reason in (None, reason), f"closed with the reason {reason!r}")
    await peer.send(*filter(None, (case.after, client_frame(CLOSE, frame.payload[:2]))))
    await peer.read_end()
    return replies


def _code(payload: bytes) -> int:
    """Return the code of a Close frame."""
    if len(payload) == 1:
        raise Violation("a Close frame of one byte")
    return int.from_bytes(payload[:2], "big") if payload else NO_STATUS


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Violation(otherwise)


def _listed(values: frozenset[int]) -> str:
    return " or ".join(map(str, sorted(values)))


def _shown(values: Sequence[object]) -> str:
    text = repr(list(values))
    return text if len(text) <= 200 else f"{text[:200]}… ({len(values)} in all)"


@contextlib.asynccontextmanager
async def referee() -> AsyncIterator[Referee]:
    """Run the default server, and yield a referee for it."""
    records: Records = {}
    async with run_emmett(make_app(records)) as running:
        yield Referee(running.port, records)


async def play_all(judge: Referee, cases: Sequence[Handshake | Exchange], *, at_once: int = 16) -> list[str | None]:
    """Play cases, several at once, and return for each what was wrong."""
    free = asyncio.Semaphore(at_once)

    async def play(case: Handshake | Exchange) -> str | None:
        async with free:
            return await judge.play(case)

    return await asyncio.gather(*map(play, cases))
