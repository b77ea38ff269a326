from __future__ import annotations

import builtins
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from emmett import session
from emmett.errors import ConfigurationError
from emmett.sessions import SessionManager, SessionPipe
from tests.sessions.visiting import KEY, Browser, make_app
from tests.valkey import Valkey

MAKERS: dict[str, Callable[..., SessionPipe]] = {
    "cookies": lambda **options: SessionManager.cookies(KEY, **options),
    "memory": SessionManager.memory,
    "redis": lambda **options: SessionManager.redis("redis://localhost", **options),
}
every_maker = pytest.mark.parametrize("maker", MAKERS)


def counting(sessions: SessionPipe) -> Browser:
    app = make_app(sessions)

    @app.route("/")
    async def index() -> str:
        session.count = (session.count or 0) + 1
        return str(session.count)

    app.on_shutdown(sessions.shutdown)
    return Browser(app)


async def count_thrice(sessions: SessionPipe) -> str:
    browser = counting(sessions)
    assert [await browser.text() for _ in range(3)] == ["1", "2", "3"]
    await browser.app.shutdown()
    return browser.set_cookies[0]


@pytest.mark.parametrize("maker", ["cookies", "memory"])
async def test_each_kind_of_session_works(maker: str) -> None:
    line = await count_thrice(MAKERS[maker]())
    assert line.startswith("emmett_session=")
    assert line.endswith("; HttpOnly; Max-Age=3600; Path=/; SameSite=Lax")


async def test_sessions_in_redis_work(valkey: Valkey) -> None:
    await count_thrice(SessionManager.redis(valkey.url))
    with valkey.client() as client:
        (key,) = client.keys()
        assert key.startswith(b"emmett:session:")
        assert 3_500_000 < client.pttl(key) <= 3_600_000


@pytest.mark.parametrize("maker", ["cookies", "memory"])
async def test_the_cookie_has_options(maker: str) -> None:
    make = MAKERS[maker]
    line = await count_thrice(make(expire=60, secure=True, samesite="Strict"))
    assert line.startswith("__Host-emmett_session=")
    assert line.endswith("; HttpOnly; Max-Age=60; Path=/; SameSite=Strict; Secure")
    line = await count_thrice(make(domain="example.org", cookie_name="mine"))
    assert line.startswith("mine=")
    assert "; Domain=example.org; " in line


async def test_there_may_be_several_keys() -> None:
    old = counting(SessionManager.cookies(b"x" * 16))
    await old.ask()
    new = counting(SessionManager.cookies(["y" * 16, b"x" * 16]))
    new.cookies = old.cookies
    assert await new.text() == "2"


async def test_the_number_of_sessions_is_limited() -> None:
    first = counting(SessionManager.memory(max_sessions=2))
    await first.ask()
    for _ in range(2):
        await Browser(first.app).ask()
    assert await first.text() == "1"


async def test_the_size_of_a_session_is_limited(caplog: pytest.LogCaptureFixture) -> None:
    browser = counting(SessionManager.memory(max_size=5))
    assert (await browser.ask()).status == 500
    assert "at most 5 are allowed (max_size)" in caplog.text


@every_maker
@pytest.mark.parametrize(
    "options",
    [{"expire": 0}, {"samesite": "None"}, {"cookie_name": "a b"}, {"domain": ""}, {"secure": 1}],
)
def test_invalid_options_are_refused(maker: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="session"):
        MAKERS[maker](**options)


@pytest.mark.parametrize(
    ("maker", "options"),
    [
        ("memory", {"max_sessions": 0}),
        ("memory", {"max_size": 0}),
        ("memory", {"max_sessions": True}),
        ("redis", {"max_connections": 0}),
        ("redis", {"max_size": 1.5}),
        ("redis", {"timeout": 0}),
        ("redis", {"timeout": float("nan")}),
    ],
)
def test_invalid_bounds_are_refused(maker: str, options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ConfigurationError, match=name):
        MAKERS[maker](**options)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least 16"):
        SessionManager.cookies("short")


def test_a_missing_redis_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "emmett.sessions.redis_store" or name.startswith("redis")]:
        monkeypatch.delitem(sys.modules, name)
    load = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "redis":
            raise ModuleNotFoundError("No module named 'redis'", name="redis")
        return load(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"pip install 'redis\[hiredis\]'"):
        SessionManager.redis("redis://localhost")


def test_the_package_needs_no_redis() -> None:
    code = "import sys, emmett.sessions; assert 'redis' not in sys.modules; emmett.sessions.SessionManager.memory()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=180)


async def test_visitors_get_new_sessions_after_the_server_is_killed(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    sessions = SessionManager.redis(own_valkey.url)
    browser = counting(sessions)
    assert await browser.text() == "1"
    own_valkey.kill()
    for _ in range(5):
        assert (await browser.ask()).status == 503
        assert (await Browser(browser.app).ask()).status == 503
    assert browser.set_cookies == []
    assert [line.exc_info for line in caplog.records] == [None]
    own_valkey.start()
    # The sessions are gone with the server, so visitors begin again with new ids.
    before = browser.token
    assert await browser.text() == "1"
    assert browser.token != before
    assert await browser.text() == "2"
    await sessions.shutdown()
