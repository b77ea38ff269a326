"""The notice board: its login, its form and its files."""

from __future__ import annotations

from typing import Any

import pytest

from emmett.testing import RefusedHandshake
from examples.board import accounts
from examples.board import app as board_app
from examples.board import board as board_module
from examples.board.app import MAX_UPLOAD, app
from examples.board.board import content_type_of, tidy
from tests.examples.board_visits import PNG, hear, hidden_fields, log_in, try_password, visit


async def test_without_a_login_every_page_leads_to_the_login() -> None:
    async with app.test_client_async() as client:
        for path in ("/", "/files/x"):
            answer = await client.get(path)
            assert (answer.status, answer.headers["location"]) == (303, "/login")
        for path in ("/api/notices", "/events"):
            assert (await client.get(path)).status == 403
        with pytest.raises(RefusedHandshake) as refused:
            async with client.websocket("/live"):
                pass
        assert refused.value.status == 403


async def test_a_login_starts_a_new_session() -> None:
    async with app.test_client_async() as client:
        await client.get("/login")
        planted = dict(client.cookies)
        await log_in(client)
        assert client.context.session is not None
        assert client.context.session.user == "ada"
        assert client.cookies["board_session"] != planted.get("board_session")
        assert "Ada" in (await client.get("/")).text
        assert (await client.get("/login")).headers["location"] == "/"


async def test_a_wrong_password_and_a_wrong_name_have_the_same_error() -> None:
    async with app.test_client_async() as client:
        answers = [await try_password(client, "ada", "guessed"), await try_password(client, "nobody", "nanosecond")]
        for answer in answers:
            assert answer.status == 403
            assert "That name and password do not go together." in answer.text
        assert (await client.get("/")).status == 303


async def test_the_login_attempts_of_an_address_are_limited() -> None:
    async with app.test_client_async() as client:
        for _ in range(accounts.MAX_ATTEMPTS):
            assert (await try_password(client, "ada", "guessed")).status == 403
        answer = await try_password(client, "ada", "analytical engine")
        assert answer.status == 429
        assert 0 < int(answer.headers["retry-after"]) <= accounts.PERIOD
        assert (await client.get("/")).status == 303


async def test_a_successful_login_does_not_reset_the_limit() -> None:
    async with app.test_client_async() as client:
        for _ in range(accounts.MAX_ATTEMPTS - 1):
            assert (await try_password(client, "ada", "guessed")).status == 403
        await log_in(client, "grace")
        client.cookies.clear()
        assert (await try_password(client, "ada", "guessed")).status == 429


async def test_forms_of_other_sites_are_refused() -> None:
    async with visit() as (client, _):
        for path in ("/notices", "/logout", "/login"):
            answer = await client.post(path, data={"text": "forged", "user": "ada", "password": "analytical engine"})
            assert answer.status == 403
        assert (await client.get("/api/notices")).json() == {"notices": []}
        assert (await client.get("/")).status == 200


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("a\tb", "a\tb"),
        ("a\r\nb\u2028c", "a\nb\nc"),
        (" \t\n", ""),
        ("a\x00\x1b\ud800b", "ab"),
        ("\U0001f469\u200d\U0001f680",) * 2,
    ],
)
def test_texts_are_cleaned(text: str, tidied: str) -> None:
    assert tidy(text) == tidied


async def test_a_notice_is_published() -> None:
    async with visit() as (client, fields):
        answer = await client.post("/notices", data={"text": " Tea at four\r\n\x00 ", **fields})
        assert (answer.status, answer.headers["location"]) == (303, "/")
        assert "Tea at four" in (await client.get("/")).text
        answer = await client.post("/notices", data={"text": "Cake", **fields}, headers={"accept": "application/json"})
        assert (answer.status, answer.json()["text"]) == (201, "Cake")
        notices = (await client.get("/api/notices")).json()["notices"]
        assert [(notice["author"], notice["text"]) for notice in notices] == [("Ada", "Tea at four"), ("Ada", "Cake")]
        later = await client.get("/api/notices", params={"after": notices[0]["id"]})
        assert later.json()["notices"] == notices[1:]


@pytest.mark.parametrize(
    ("data", "files"),
    [
        ({"text": ""}, {}),
        ({"text": "\x01 \n"}, {}),
        ({"text": "x" * 501}, {}),
        ({"text": ["two", "texts"]}, {}),
        ({"text": ""}, {"file": ("empty.txt", b"")}),
        ({"text": "two"}, {"file": [("a", b"a"), ("b", b"b")]}),
    ],
    ids=["nothing", "only controls", "too long", "two texts", "empty file", "two files"],
)
async def test_an_invalid_notice_is_explained(data: dict[str, object], files: dict[str, Any]) -> None:
    async with visit() as (client, fields):
        for accept, content_type in (("text/html", "text/html"), ("application/json", "text/plain")):
            answer = await client.post(
                "/notices",
                data={**data, **fields},
                files=files,
                headers={"accept": accept},
            )
            assert (answer.status, answer.content_type) == (422, content_type)
        assert (await client.get("/api/notices")).json() == {"notices": []}


async def test_a_hostile_notice_is_only_text() -> None:
    attack = "</p><script>alert(1)</script><img src=x onerror=alert(2)>\"'"
    async with visit() as (client, fields):
        await client.post("/notices", data={"text": attack, **fields}, files={"file": ('"><i>.txt', b"x")})
        page = (await client.get("/")).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<i>" not in page
        assert "&lt;script&gt;alert(1)" in page


async def test_a_picture_is_shown() -> None:
    async with visit() as (client, fields):
        # The type that the sender declares is ignored.
        await client.post("/notices", data={"text": "", **fields}, files={"file": ("dot.html", PNG, "text/html")})
        (notice,) = (await client.get("/api/notices")).json()["notices"]
        assert (notice["file"]["content_type"], notice["file"]["size"]) == ("image/png", len(PNG))
        answer = await client.get(notice["file"]["url"])
        assert (answer.status, answer.content_type, answer.content) == (200, "image/png", PNG)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "content-disposition" not in answer.headers
        assert f'<img src="{notice["file"]["url"]}"' in (await client.get("/")).text


async def test_a_file_other_than_a_picture_is_a_download() -> None:
    async with visit() as (client, fields):
        page = b"<script>alert(1)</script>"
        await client.post("/notices", data=fields, files={"file": ("../pic.png", page, "image/png")})
        (notice,) = (await client.get("/api/notices")).json()["notices"]
        answer = await client.get(notice["file"]["url"])
        assert (answer.status, answer.content_type, answer.content) == (200, "application/octet-stream", page)
        assert answer.headers["content-disposition"].startswith('attachment; filename="pic.png"')
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_file_that_is_too_large_is_refused() -> None:
    async with visit() as (client, fields):
        answer = await client.post("/notices", data=fields, files={"file": ("big", bytes(MAX_UPLOAD))})
        assert answer.status == 413
        assert "at most 5 MiB" in answer.text
        assert (await client.get("/api/notices")).json() == {"notices": []}


async def test_files_and_notices_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "MAX_FILES", 2)
    monkeypatch.setattr(board_module, "MAX_NOTICES", 3)
    async with visit() as (client, fields):
        folder = board_app.state.board._folder
        for number in range(3):
            await client.post("/notices", data=fields, files={"file": (str(number), b"%d" % number)})
        notices = (await client.get("/api/notices")).json()["notices"]
        assert [notice["file"] and notice["file"]["name"] for notice in notices] == [None, "1", "2"]
        gone = [(await client.get(notice["file"]["url"])).status for notice in notices[1:]]
        assert gone == [200, 200]
        for _ in range(3):
            await client.post("/notices", data={"text": "more", **fields})
        assert len((await client.get("/api/notices")).json()["notices"]) == 3
        answer = await client.get(notices[2]["file"]["url"])
        assert answer.status == 404
        assert list(folder.iterdir()) == []
    assert not folder.exists()


async def test_a_file_that_vanished_is_not_found() -> None:
    async with visit() as (client, fields):
        await client.post("/notices", data=fields, files={"file": ("a", b"a")})
        (notice,) = (await client.get("/api/notices")).json()["notices"]
        for path in board_app.state.board._folder.iterdir():
            path.unlink()
        assert (await client.get(notice["file"]["url"])).status == 404


async def test_a_logout_ends_the_session_and_its_websockets() -> None:
    async with visit() as (client, fields), client.websocket("/live") as websocket:
        await hear(websocket, "people")
        answer = await client.post("/logout", data=fields)
        assert (answer.status, answer.headers["location"]) == (303, "/login")
        assert [message async for message in websocket] == []
        assert (websocket.close_code, websocket.close_reason) == (1008, "logged out")
        assert (await client.get("/")).headers["location"] == "/login"
        assert (await client.get("/api/notices")).status == 403


@pytest.mark.parametrize("cookie", ["", "x", "board_session", "A" * 3000, '"\\', "\xff"])
async def test_an_invalid_cookie_is_an_anonymous_visitor(cookie: str) -> None:
    async with app.test_client_async() as client:
        answer = await client.get("/", headers={"cookie": f"board_session={cookie}"})
        assert (answer.status, answer.headers["location"]) == (303, "/login")


async def test_pages_may_run_only_their_own_script() -> None:
    async with visit() as (client, _):
        answer = await client.get("/")
        policy = answer.headers["content-security-policy"]
        assert "unsafe-inline" not in policy
        nonce = answer.text.partition('nonce="')[2].partition('"')[0]
        assert nonce
        assert f"'nonce-{nonce}'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert nonce not in (await client.get("/")).text


async def test_error_pages_are_html() -> None:
    async with app.test_client_async() as client:
        page = await client.get("/nowhere", headers={"accept": "text/html"})
        assert (page.status, page.content_type) == (404, "text/html")
        assert "Nothing here" in page.text
        words = await client.get("/nowhere")
        assert (words.status, words.content_type) == (404, "text/plain")
        assert (await client.post("/events")).status == 405
        assert (await client.get("/static/board.css")).status == 200
        assert hidden_fields((await client.get("/login")).text)


@pytest.mark.parametrize(
    ("start", "content_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", "application/octet-stream"),
        (b"<svg xmlns=", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_the_type_of_a_file_is_read_from_its_bytes(start: bytes, content_type: str) -> None:
    assert content_type_of(start) == content_type


def test_tidy_removes_unwanted_characters() -> None:
    assert tidy(" a\r\nb\x00\x1b\x85c\ud800\n\u2028 ") == "a\nb\nc"
    assert tidy("\U0001f469\u200d\U0001f4bb") == "\U0001f469\u200d\U0001f4bb"
