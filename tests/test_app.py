"""The application: commands, error pages, start-up and shutdown."""

from __future__ import annotations

import pytest

from emmett import App
from emmett.errors import ConfigurationError


async def test_startup_runs_in_order_and_shutdown_in_reverse_even_if_one_fails() -> None:
    app = App(__name__)
    events: list[str] = []

    @app.on_startup
    def one() -> None:
        events.append("one")

    @app.on_startup
    async def two() -> None:
        events.append("two")

    @app.on_shutdown
    def three() -> None:
        events.append("three")

    @app.on_shutdown
    async def four() -> None:
        events.append("four")
        raise RuntimeError("broken")

    await app.startup()
    with pytest.raises(RuntimeError, match="broken"):
        await app.shutdown()
    assert events == ["one", "two", "four", "three"]


def test_command_names_are_unique() -> None:
    app = App(__name__)

    @app.command("greet")
    def greet() -> None: ...

    assert app.commands == {"greet": greet}
    for taken in ("greet", "develop", "serve"):
        with pytest.raises(ConfigurationError, match="taken"):
            app.command(taken)


def test_error_handlers_build_error_pages() -> None:
    app = App(__name__)
    app.on_error(404)(lambda: "page")
    with pytest.raises(ConfigurationError, match="already"):
        app.on_error(404)(lambda: "another")
    for status in (200, 600, "404"):
        with pytest.raises(ConfigurationError, match="400 to 599"):
            app.on_error(status)  # type: ignore[arg-type]
    with pytest.raises(SyntaxError, match="on_error"):
        app.on_error(lambda: "page")  # type: ignore[arg-type]


def test_static_files_are_served_outside_the_pipeline() -> None:
    app = App(__name__)
    assert app.root_path.name == "tests"
    assert (app.routes[0].name, app.routes[0].pipeline) == ("static", ())
    assert "1 routes" in repr(app)
