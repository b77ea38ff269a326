"""The notice board: what a browser can ask for.

`emmett -a examples/board/app.py serve`, then log in as ada or grace; README.md has the passwords.
"""

from __future__ import annotations

import asyncio
import math
import os
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import msgspec

from emmett import (
    App,
    Channels,
    Event,
    Response,
    abort,
    redirect,
    request,
    requires,
    response,
    session,
    stream,
    url,
    websocket,
)
from emmett.security import CSRF, SecurityHeaders
from emmett.sessions import SessionManager

from .accounts import ACCOUNTS, MAX_ATTEMPTS, PERIOD, check_password
from .board import MAX_NOTICES, MAX_TEXT, Attachment, Board, Notice, tidy
from .feed import Feed, Full, SocketReader, StreamReader, encode

MAX_UPLOAD = 5 * 1024 * 1024  # bytes of a notice with its file
MAX_MESSAGE = 8 * 1024  # bytes of a message on the websocket
WRITE_LIMIT = 256 * 1024  # bytes that may wait for the peer of a websocket
PAUSE = 0.1  # seconds between two notices on one websocket

sessions = SessionManager.cookies(
    os.environ.get("EMMETT_BOARD_KEY") or secrets.token_urlsafe(32),
    expire=8 * 3600,
    secure=os.environ.get("EMMETT_BOARD_TLS") == "1",
    cookie_name="board_session",
)

app = App(__name__)
channels = Channels(app)
app.pipeline = [SecurityHeaders(), sessions, CSRF()]


class State:
    """What there is while the application runs."""

    def __init__(self) -> None:
        self.board = Board()
        self.feed = Feed(self.board)


state: State


@app.on_startup
def start() -> None:
    global state
    state = State()


@app.on_shutdown
async def stop() -> None:
    await state.board.close()


def logged_in() -> bool:
    return session.user in ACCOUNTS and isinstance(session.login, str)


def own_name() -> str:
    return ACCOUNTS[str(session.user)].name


def number(text: object) -> int:
    """Return the number of a notice that a client has named; 0 for anything else."""
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 18 else 0


@app.route("/login", methods="get", name="login", template="login.html")
async def login_page() -> dict[str, Any]:
    if logged_in():
        redirect(url("index"))
    return {"problem": "", "user": ""}


@app.route("/login", methods="post", name="log_in", template="login.html", max_body_size=16 * 1024)
async def log_in() -> dict[str, Any]:
    params = await request.body_params
    user, password = str(params.user or "").strip().lower(), str(params.password or "")
    address = request.client[0] if request.client else ""
    # Right ones count as well: who has an account must not guess at another one.
    seconds = math.ceil(await channels.take(f"login:{address}", MAX_ATTEMPTS, PERIOD))
    if seconds:
        response.status = 429
        response.headers["retry-after"] = str(seconds)
        return {"problem": f"Too many attempts. Try again in {seconds} seconds.", "user": ""}
    if await check_password(user, password):
        await sessions.renew()
        session.user, session.login = user, secrets.token_urlsafe(16)
        redirect(url("index"))
    response.status = 403
    return {"problem": "That name and password do not go together.", "user": tidy(user)[:40]}


@app.route("/logout", methods="post")
@requires(logged_in, "/login")
async def logout() -> None:
    state.feed.end(str(session.login))
    await sessions.end()
    redirect(url("login"))


def page(problem: str = "", text: str = "") -> dict[str, Any]:
    """Return what the board's template shows."""
    board = state.board
    return {
        "notices": reversed(board.notices),
        "last_id": board.last_id,
        "name": own_name(),
        "names": sorted({*state.feed.names, own_name()}),
        "problem": problem,
        "text": text,
        "max_notices": MAX_NOTICES,
        "max_text": MAX_TEXT,
        "max_upload": MAX_UPLOAD,
    }


@app.route("/", methods="get", name="index", template="board.html")
@requires(logged_in, "/login")
async def index() -> dict[str, Any]:
    return page()


@app.route("/notices", methods="post", template="board.html", max_body_size=MAX_UPLOAD)
@requires(logged_in, "/login")
async def notices() -> dict[str, Any] | Response:
    """Take the form: answer the page's script with JSON, and a browser without scripts with the page."""
    params, files = await request.body_params, await request.files
    is_script = request.accepts("text/html", "application/json") == "application/json"
    text = tidy(params.text) if isinstance(params.text, str) else ""
    upload = files.file
    if isinstance(upload, list):
        problem = "One file, please."
    elif len(text) > MAX_TEXT:
        problem = f"A notice has at most {MAX_TEXT} characters; this one has {len(text)}."
    elif not text and (upload is None or upload.size == 0):
        problem = "Write something, or choose a file."
    else:
        file = await state.board.keep(upload, lambda token: url("file", token)) if upload and upload.size else None
        notice = await put_up(text, file)
        if is_script:
            return Response(encode(notice), 201, content_type="application/json")
        redirect(url("index"))
    if is_script:
        abort(422, problem)
    response.status = 422
    return page(problem, text[: 2 * MAX_TEXT])


async def put_up(text: str, file: Attachment | None = None) -> Notice:
    notice = state.board.put_up(own_name(), text, file)
    state.feed.tell(notice)
    await state.board.sweep()
    return notice


@app.route("/files/<str:token>", methods="get")
@requires(logged_in, "/login")
async def file(token: str) -> Response:
    found = state.board.find(token)
    if found is None:
        abort(404)
    # What is no image is never shown, only offered: it could be a page with a script.
    response.headers["x-content-type-options"] = "nosniff"
    filename = None if found.is_image else found.name
    try:
        return await stream.file(
            state.board.path(found), filename=filename, content_type=found.content_type, max_age=3600
        )
    except FileNotFoundError:
        # It was taken off the board just now.
        abort(404)


@app.route("/api/notices", methods="get")
@requires(logged_in)
async def api_notices() -> dict[str, Any]:
    return {"notices": state.board.after(number(request.query_params.after))}


class Write(msgspec.Struct):
    """What a visitor sends over the websocket."""

    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


@app.websocket("/live", max_message_size=MAX_MESSAGE, write_limit=WRITE_LIMIT)
@requires(logged_in)
async def live() -> None:
    await websocket.accept()
    reader = SocketReader(own_name(), str(session.login), websocket.connection)
    try:
        with state.feed.telling(reader, number(websocket.query_params.after)):
            while True:
                message = await websocket.receive_json(Write)
                if text := tidy(message.text):
                    await put_up(text)
                await asyncio.sleep(PAUSE)
    except Full:
        await websocket.close(1013, "there are too many readers")


@app.route("/events", methods="get")
@requires(logged_in)
async def events() -> Response:
    """The feed for those who cannot use websockets."""
    if state.feed.is_full:
        abort(503, "There are too many readers.")
    # A browser that comes back names the last notice that it has seen.
    after = number(request.headers.get("last-event-id") or request.query_params.after)
    return stream.sse(read_feed(StreamReader(own_name(), str(session.login)), after), retry=2)


async def read_feed(reader: StreamReader, after: int) -> AsyncIterator[Event]:
    try:
        with state.feed.telling(reader, after):
            while (message := await reader.next()) is not None:
                yield Event(encode(message), id=str(message.id) if isinstance(message, Notice) else None)
    except Full:
        return


ERRORS = {
    403: ("Not allowed", "You may not do this. Perhaps the page was open for too long: go back and try again."),
    404: ("Nothing here", "There is no such page. A file is gone when newer ones took its place."),
    405: ("Not this way", "This address does not take such a request."),
    413: ("Too large", f"A notice has at most {MAX_UPLOAD // 1024**2} MiB with its file."),
    500: ("Something broke", "It was our fault, and has been noted."),
}


def error_page(title: str, text: str) -> Callable[[], Any]:
    async def render() -> str:
        # Those who ask for no pages get words.
        if request.accepts("text/plain", "text/html") != "text/html":
            response.content_type = "text/plain; charset=utf-8"
            return text
        return await app.templates.render("error.html", {"title": title, "text": text})

    return render


for status, (title, text) in ERRORS.items():
    app.on_error(status)(error_page(title, text))
