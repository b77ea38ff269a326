"""What an application has besides routes: commands, start and stop functions, error pages, the list of its routes."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from emmett import App, Pipe
from emmett.errors import ConfigurationError
from tests.asgi.peers import fetch


@pytest.mark.parametrize(
    ("decorator", "hint"),
    [("command", "@app.command('name')"), ("on_error", "@app.on_error(404)"), ("route", "@app.route()")],
)
def test_a_decorator_without_parentheses_raises_an_error_with_the_correct_form(decorator: str, hint: str) -> None:
    app = App(__name__)
    with pytest.raises(SyntaxError) as caught:
        getattr(app, decorator)(lambda: None)
    assert hint in str(caught.value)
    assert not app.commands
    assert not app.table.error_pages


@pytest.mark.parametrize("name", ["develop", "serve", "routes", "shell", "publish", "own"])
def test_a_duplicate_command_is_refused(name: str) -> None:
    app = App(__name__)
    app.command("own")(lambda: None)
    with pytest.raises(ConfigurationError, match=f"command '{name}': the name is taken, choose another one"):
        app.command(name)


@pytest.mark.parametrize("status", [99, 200, 303, 399, 600, 404.5, "404", None])
def test_error_pages_take_only_error_statuses(status: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected the status of an error, 400 to 599"):
        App(__name__).on_error(status)


def test_decorators_return_the_function() -> None:
    app = App(__name__)

    def function() -> None: ...

    for decorate in (app.on_startup, app.on_shutdown, app.command("name"), app.on_error(404)):
        assert decorate(function) is function


async def test_a_failed_startup_function_stops_the_startup() -> None:
    app = App(__name__)
    done: list[str] = []

    @app.on_startup
    async def fails() -> None:
        raise LookupError("no database")

    app.on_startup(lambda: done.append("never"))
    with pytest.raises(LookupError, match="no database"):
        await app.startup()
    assert done == []


async def test_of_several_shutdown_failures_the_first_is_raised() -> None:
    app = App(__name__)
    for name in ("one", "two", "three"):

        def fail(name: str = name) -> None:
            raise LookupError(name)

        app.on_shutdown(fail)
    with pytest.raises(LookupError, match="three"):
        await app.shutdown()


async def test_static_files_are_next_to_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(Pipe):
        async def pipe(self, next_pipe: Any, /, **kwargs: Any) -> Any:
            return "nobody gets through"

    module = ModuleType("static_application")
    module.__file__ = str(tmp_path / "app.py")
    monkeypatch.setitem(sys.modules, "static_application", module)
    (tmp_path / "static" / "css").mkdir(parents=True)
    (tmp_path / "static" / "css" / "a.css").write_text("body {}")
    (tmp_path / "app.py").write_text("secret")
    app = App("static_application")
    app.pipeline = [Closed()]
    answer = await fetch(app, "/static/css/a.css")
    assert (answer.text, answer.header("content-type")) == ("body {}", "text/css; charset=utf-8")
    assert (await fetch(app, "/static/css/a.css", "HEAD")).body == b""
    for target in ("/static/../app.py", "/static/css/../../app.py", "/static/nothing.css", "/static/", "/static"):
        assert (await fetch(app, target)).status == 404
    posted = await fetch(app, "/static/css/a.css", "POST")
    assert (posted.status, posted.header("allow")) == (405, "GET, HEAD")


def test_a_module_without_a_file_uses_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("not imported", "builtins"):
        assert App(name).root_path == Path.cwd()


def test_the_route_name_static_is_reserved() -> None:
    app = App(__name__)
    with pytest.raises(ConfigurationError, match="'static' is taken by path '/static/<any:filename>'"):
        app.route("/other", name="static")(lambda: "")


def test_routes_are_listed_module_by_module() -> None:
    app = App(__name__)
    module = app.module(__name__, "module")
    module.route("/m", name="m")(lambda: "")
    app.route(["/a", "/b"], name="a")(lambda: "")
    assert [info.name for info in app.routes] == ["static", "a", "a.1", "module.m"]
    assert repr(app) == "<App 'tests.test_app_commands': 4 routes>"
