"""The plugin in projects of its users: pytest runs in pytest."""

from __future__ import annotations

import sys

import pytest

pytest_plugins = ["pytester"]

APP = """
from emmett import App

app = App(__name__)
events = []


@app.on_startup
async def start():
    events.append("up")


@app.on_shutdown
async def stop():
    events.append("down")


@app.route("/")
async def index():
    return "Hello"
"""
FIXTURE = """
import pytest
import site_app


@pytest.fixture
def app():
    return site_app.app
"""
TESTS = """
import asyncio
import site_app


def test_plain(client):
    assert site_app.events == ["up"]
    assert client.get("/").text == "Hello"


def test_after_it():
    assert site_app.events == ["up", "down"]


def test_coroutine(async_client):
    async def main():
        async with async_client as client:
            assert (await client.get("/")).text == "Hello"

    asyncio.run(main())
    assert site_app.events == ["up", "down"] * 2
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with only an application, in which this plugin is loaded and no other installed one."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.plugins = ["emmett.testing.pytest_plugin"]
    pytester.makepyfile(site_app=APP)
    pytester.syspathinsert()
    return pytester


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    # In this process pytester leaves it to the command line to name plugins.
    plugins = [word for name in project.plugins for word in ("-p", str(name))]
    return project.runpytest_inprocess(*plugins, "-p", "no:cacheprovider", "-W", "error", *options)


def test_the_application_may_come_from_a_fixture(project: pytest.Pytester) -> None:
    project.makeconftest(FIXTURE)
    project.makepyfile(TESTS)
    run(project).assert_outcomes(passed=3)


def test_the_application_may_come_from_a_setting(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nemmett_app = site_app:app\n")
    project.makepyfile(TESTS)
    run(project).assert_outcomes(passed=3)


def test_the_fixture_takes_precedence_over_the_setting(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nemmett_app = missing:app\n")
    project.makeconftest(FIXTURE)
    project.makepyfile(TESTS)
    run(project).assert_outcomes(passed=3)


def test_the_setting_finds_modules_next_to_it(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(project.path)])
    project.makeini("[pytest]\naddopts = --import-mode=importlib\nemmett_app = site_app:app\n")
    project.mkdir("tests").joinpath("test_it.py").write_text("def test(client):\n    client.get('/')\n", "utf-8")
    run(project).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("setting", "conftest", "message"),
    [
        ("", "", "*no application to test: write a fixture `app` that returns it, or emmett_app = module:app*"),
        ("missing:app", "", "*emmett_app = missing:app: expected module:app; No module named 'missing'*"),
        ("site_app:other", "", "*emmett_app = site_app:other: expected module:app; *has no attribute 'other'*"),
        ("site_app:events", "", "*emmett_app = site_app:events is of type list, expected an emmett.App*"),
        (
            "",
            "import pytest\n@pytest.fixture\ndef app():\n    return 1",
            "*the fixture app is of type int, expected an emmett.App*",
        ),
        (
            "",
            "import pytest\n@pytest.fixture\ndef app(database):\n    return 1",
            "*fixture 'database' not found*",
        ),
    ],
)
def test_a_missing_application_is_explained(
    project: pytest.Pytester, setting: str, conftest: str, message: str
) -> None:
    project.makeini(f"[pytest]\nemmett_app = {setting}\n")
    project.makeconftest(conftest)
    project.makepyfile("def test(client):\n    pass")
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(message)


@pytest.mark.parametrize("setting", ["", "site_app:app"])
def test_fixtures_of_the_project_take_precedence_over_ours(project: pytest.Pytester, setting: str) -> None:
    project.makeini(f"[pytest]\nemmett_app = {setting}\n")
    project.makeconftest("import pytest\n@pytest.fixture(scope='session')\ndef client():\n    return 'theirs'")
    project.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def user(client):
            return client

        @pytest.fixture
        def async_client():
            return "their own"

        def test(client, user, async_client):
            assert (client, user, async_client) == ("theirs", "theirs", "their own")
        """
    )
    run(project).assert_outcomes(passed=1)


OTHER_PLUGIN = """
import pytest


@pytest.fixture(scope="session")
def client():
    return "of another plugin"
"""


@pytest.mark.parametrize("first", [True, False])
def test_fixtures_of_another_plugin_are_not_replaced(project: pytest.Pytester, first: bool) -> None:
    project.makepyfile(other_plugin=OTHER_PLUGIN)
    project.plugins.insert(0 if first else 1, "other_plugin")
    project.makeconftest(FIXTURE)
    project.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def user(client):
            return client

        def test(client, user, async_client):
            assert client == user == "of another plugin"
            assert "AsyncTestClient" in type(async_client).__name__
        """
    )
    run(project).assert_outcomes(passed=1)


def test_names_without_a_conflict_are_always_ours(project: pytest.Pytester) -> None:
    project.makepyfile(other_plugin=OTHER_PLUGIN)
    project.plugins.append("other_plugin")
    project.makeconftest(FIXTURE)
    project.makepyfile(
        """
        def test(client, emmett_client, emmett_async_client):
            assert client == "of another plugin"
            assert emmett_client.get("/").text == "Hello"
            assert "AsyncTestClient" in type(emmett_async_client).__name__
        """
    )
    run(project).assert_outcomes(passed=1)


def test_the_setting_selects_our_fixtures(project: pytest.Pytester) -> None:
    project.makepyfile(other_plugin=OTHER_PLUGIN)
    project.plugins.append("other_plugin")
    project.makeini("[pytest]\nemmett_app = site_app:app\n")
    project.makepyfile("def test(client):\n    assert client.get('/').text == 'Hello'")
    run(project).assert_outcomes(passed=1)


def test_pytest_can_list_them(project: pytest.Pytester) -> None:
    result = run(project, "--fixtures")
    result.stdout.fnmatch_lines(["client -- *", "*an open test client for plain tests*"])
