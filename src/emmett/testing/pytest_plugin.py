"""The pytest plugin: fixtures `client` and `async_client` for the application of a fixture `app` or of a setting.

Other plugins, such as pytest-django and pytest-flask, also have a fixture `client`: theirs take precedence, but
`emmett_client` and `emmett_async_client` are always available.
"""

from __future__ import annotations

import inspect
import pkgutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..dispatch import ServedApplication
    from .client import AsyncTestClient
    from .sync import TestClient

OPTION = "emmett_app"


class Fixtures:
    """The fixtures for every project; a project's own fixtures of the same name take precedence."""

    @pytest.fixture
    def emmett_client(self, request: pytest.FixtureRequest) -> Iterator[TestClient]:
        """Provide the fixture `client` under a name that no other plugin has."""
        from .sync import TestClient

        with TestClient(find_app(request)) as client:
            yield client

    @pytest.fixture
    def emmett_async_client(self, request: pytest.FixtureRequest) -> AsyncTestClient:
        """Provide the fixture `async_client` under a name that no other plugin has."""
        from .client import AsyncTestClient

        return AsyncTestClient(find_app(request))

    @pytest.fixture
    def client(self, request: pytest.FixtureRequest) -> Iterator[TestClient]:
        """Provide an open test client for plain tests: start-up has run. Its application is the fixture `app`."""
        from .sync import TestClient

        with TestClient(find_app(request)) as client:
            yield client

    @pytest.fixture
    def async_client(self, request: pytest.FixtureRequest) -> AsyncTestClient:
        """Provide a test client for coroutine tests, to be opened there: `async with async_client as client:`."""
        from .client import AsyncTestClient

        return AsyncTestClient(find_app(request))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting."""
    parser.addini(OPTION, "the emmett application of the fixtures client and async_client: module:name", default="")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures except those of another plugin, unless the settings mark this as an emmett project."""
    kind = type(inspect.getattr_static(Fixtures, "client"))
    plugins = [] if config.getini(OPTION) else config.pluginmanager.get_plugins()

    def is_taken(name: str) -> bool:
        return any(isinstance(inspect.getattr_static(plugin, name, None), kind) for plugin in plugins)

    names = [name for name in vars(Fixtures) if not name.startswith("__")]
    offered = {name: vars(Fixtures)[name] for name in names if not is_taken(name)}
    config.pluginmanager.register(type("Fixtures", (), offered)(), "emmett-fixtures")


def find_app(request: pytest.FixtureRequest) -> ServedApplication:
    """Return the application under test: that of the fixture `app`, or else that of the setting `emmett_app`.

    Raises:
        pytest.UsageError: neither exists, or it is not an `emmett.App`.
    """
    from ..dispatch import ServedApplication

    try:
        app, origin = request.getfixturevalue("app"), "the fixture app"
    except pytest.FixtureLookupError as error:
        if error.argname != "app":
            raise
        setting = str(request.config.getini(OPTION))
        if not setting:
            raise pytest.UsageError(
                f"no application to test: write a fixture `app` that returns it, or {OPTION} = module:app in the "
                "settings of pytest"
            ) from None
        app, origin = _import_app(setting, str(request.config.rootpath)), f"{OPTION} = {setting}"
    if not isinstance(app, ServedApplication):
        raise pytest.UsageError(f"{origin} is of type {type(app).__name__}, expected an emmett.App")
    return app


def _import_app(setting: str, folder: str) -> Any:
    # The folder of the settings comes first in the search for the module.
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return pkgutil.resolve_name(setting)
    except (ImportError, AttributeError, ValueError) as error:
        raise pytest.UsageError(f"{OPTION} = {setting}: expected module:app; {error}") from error
