"""Random requests to the notice board never cause a 500 or an error in the log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emmett.testing import AsyncTestClient
from tests.examples.board_visits import PNG, visit

DEADLINE = 5.0  # seconds for one response
EXAMPLES = settings(max_examples=200)

PATHS = ("/", "/login", "/logout", "/notices", "/files/{file}", "/files/x", "/api/notices", "/events", "/live")
# Values that get past the first check, unlike most others.
TARGETS = (
    *(("POST", path) for path in ("/notices", "/notices", "/notices", "/login", "/logout")),
    *(("GET", path) for path in PATHS),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
HEADERS = ("accept", "range", "if-none-match", "last-event-id", "upgrade", "origin", "sec-fetch-site", "x-csrf-token")
TYPES = (
    "application/x-www-form-urlencoded",
    "application/json",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "multipart/mixed; boundary=x",
    "text/plain; charset=nonsense",
    "",
)
NAMES = ("text", "file", "user", "password", "csrf_token", "after", "_charset_")

# The bytes that a header field may contain, and more of them than any client needs.
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40)
words = st.one_of(
    st.sampled_from(("1", "-1", "ada", "text/html", "bytes=0-1", "*", "\u2028", "\x00")), st.text(max_size=30)
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)


class Sent(NamedTuple):
    """A request to send; token and login are filled in where it asks for them."""

    target: tuple[str, str]
    params: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    cookie: str
    body: dict[str, Any]
    has_token: bool


@st.composite
def broken_forms(draw: st.DrawFn) -> bytes:
    """Return a multipart form, perhaps cut, with a piece of something else in it."""
    name, file = draw(st.sampled_from(NAMES)), draw(st.sampled_from(("", "a.png", "../x", "\u00e9\x01", '"')))
    lines = [
        b"--x",
        f'Content-Disposition: form-data; name="{name}"; filename="{file}"'.encode(),
        b"",
        PNG,
        b"--x--",
        b"",
    ]
    form = b"\r\n".join(lines)
    place = draw(st.integers(0, len(form)))
    return form[:place] + draw(st.binary(max_size=20)) + form[place + draw(st.integers(0, 40)) :]


fields = st.dictionaries(st.sampled_from(NAMES[:-2]) | words, words, max_size=4) | st.fixed_dictionaries(
    {"text": words, "user": st.sampled_from(("ada", "grace", "nobody")), "password": words}
)
files = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(words, st.sampled_from((PNG, b"", b"text")) | st.binary(max_size=50)), max_size=2
)
bodies = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"data": fields}),
    st.fixed_dictionaries({"data": fields, "files": files}),
    st.fixed_dictionaries({"json": json_values}),
    st.fixed_dictionaries({"content": broken_forms() | st.binary(max_size=60) | st.just(b'{"text": "\\ud800')}),
)
targets = st.sampled_from(TARGETS) | st.tuples(
    st.sampled_from(METHODS), st.sampled_from(PATHS) | st.text("/a%.\\~", max_size=8).map("/".__add__)
)
anything = st.builds(
    Sent,
    target=targets,
    params=st.lists(st.tuples(st.sampled_from(NAMES) | words, words), max_size=3),
    headers=st.lists(st.tuples(st.sampled_from(HEADERS), words.map(ascii) | values), max_size=2),
    cookie=st.sampled_from(("{login}", "{login}x", "board_session=", "=;;=", "")) | values,
    body=bodies,
    has_token=st.booleans(),
)
# Values that pass the login and the protection of forms.
likely = st.builds(
    Sent,
    target=st.sampled_from(TARGETS),
    params=st.lists(st.tuples(st.just("after"), words), max_size=2),
    headers=st.lists(st.tuples(st.sampled_from(HEADERS[:-3]), words.map(ascii) | values), max_size=2),
    cookie=st.just("{login}"),
    body=bodies,
    has_token=st.just(True),
)


class Alarm(logging.Handler):
    """Keeps records that must not be logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class Board:
    """A board with a notice and a visitor who has logged in."""

    def __init__(self, client: AsyncTestClient, token: dict[str, str], file: str, alarm: Alarm) -> None:
        self.client = client
        self.token = token
        self.file = file
        self.login = f"board_session={client.cookies['board_session']}"
        self.alarm = alarm

    async def send(self, sent: Sent) -> None:
        """Send a request, and check the response."""
        options: dict[str, Any] = dict(sent.body)
        headers = [*sent.headers, ("cookie", sent.cookie.replace("{login}", self.login))]
        if sent.has_token and "data" in options:
            options["data"] = {**options["data"], **self.token}
        elif sent.has_token:
            headers.append(("x-csrf-token", next(iter(self.token.values()))))
        method, path = sent.target
        async with self.client.stream(
            method, path.replace("{file}", self.file), params=sent.params, headers=headers, timeout=DEADLINE, **options
        ) as answer:
            assert answer.status < 500, (sent, answer)
            if answer.content_type != "text/event-stream":
                await answer.read()
        self.check()

    async def send_raw(self, octets: bytes) -> None:
        """Send bytes, and check the beginning of the response."""
        connection = self.client.server.connect()
        with contextlib.suppress(ConnectionError):
            connection.write(octets)
            connection.write_eof()
        async with asyncio.timeout(DEADLINE):
            with contextlib.suppress(ConnectionError):
                start = await connection.read()
                assert start == b"" or start.startswith(b"HTTP/1.1 "), start
                assert not start.startswith(b"HTTP/1.1 5") or start.startswith(b"HTTP/1.1 501"), (octets, start)
        connection.close()
        self.check()

    def check(self) -> None:
        """Check that nothing was logged that would need attention."""
        assert [record.getMessage() for record in self.alarm.records] == []


@contextlib.asynccontextmanager
async def running_board(alarm: Alarm) -> AsyncIterator[Board]:
    async with visit() as (client, token):
        answer = await client.post(
            "/notices", data=token, files={"file": ("a.png", PNG)}, headers={"accept": "application/json"}
        )
        yield Board(client, token, answer.json()["file"]["token"], alarm)


@contextlib.contextmanager
def board() -> Iterator[Callable[[Callable[[Board], Coroutine[Any, Any, None]]], None]]:
    """Run one board for all examples of a test, and yield a function that runs a step."""
    alarm = Alarm()
    logging.getLogger().addHandler(alarm)
    try:
        with asyncio.Runner() as runner:
            context = running_board(alarm)
            running = runner.run(context.__aenter__())
            try:
                yield lambda step: runner.run(step(running))
            finally:
                runner.run(context.__aexit__(None, None, None))
            running.check()
    finally:
        logging.getLogger().removeHandler(alarm)


@pytest.mark.parametrize("requests", [anything, likely], ids=["anything", "likely"])
def test_no_request_causes_a_500(requests: st.SearchStrategy[Sent]) -> None:
    with board() as run:

        @EXAMPLES
        @given(sent=requests)
        def send(sent: Sent) -> None:
            run(lambda board: board.send(sent))

        send()


def seeds(board: Board) -> list[bytes]:
    """Return requests as bytes: a page, a form, a multipart form in chunks, a handshake, events."""
    common = b"Host: localhost\r\nCookie: " + board.login.encode()
    ((name, token),) = board.token.items()
    part = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{token}\r\n'.encode()
    form = part + b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n--x--\r\n'
    short = f"{name}={token}&text=hello".encode()
    handshake = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    return [
        b"GET / HTTP/1.1\r\n%b\r\n\r\n" % common,
        b"GET /events HTTP/1.1\r\n%b\r\nLast-Event-ID: 7\r\n\r\n" % common,
        b"GET /files/%b HTTP/1.1\r\n%b\r\nRange: bytes=0-9\r\n\r\n" % (board.file.encode(), common),
        b"POST /notices HTTP/1.1\r\n%b\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (common, len(short), short),
        b"POST /notices HTTP/1.1\r\n%b\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (common, len(form), form),
        b"GET /live HTTP/1.1\r\n%b\r\n%bSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x85\0\0\0\0hello"
        % (common, handshake),
    ]


def test_no_bytes_cause_a_500() -> None:
    change = st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=8))

    def changed(octets: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
        for place, length, piece in changes:
            start = int(place * len(octets))
            octets = octets[:start] + piece + octets[start + length :]
        return octets

    with board() as run:

        @EXAMPLES
        @given(number=st.integers(0, 5), changes=st.lists(change, max_size=3))
        def send(number: int, changes: list[tuple[float, int, bytes]]) -> None:
            run(lambda board: board.send_raw(changed(seeds(board)[number], changes)))

        send()
