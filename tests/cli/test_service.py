"""The requirements of `emmett ps`, `emmett tail` and `emmett kick`, and their errors if these are not met."""

from __future__ import annotations

import pytest

from tests.cli.project import Project

COMMANDS = (("ps",), ("tail", "news"), ("kick", "1f3a5c7e-1"))


@pytest.mark.parametrize("command", COMMANDS)
def test_an_application_without_an_inspector_is_an_error(project: Project, command: tuple[str, ...]) -> None:
    project.write("app.py")
    outcome = project.run(*command)
    assert outcome.code == 2
    assert "has no inspector" in outcome.errors
    assert "app.inspector(None)" in outcome.errors


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("channels", ["", "channels = Channels(app, 'memory')"])
def test_an_application_without_a_broker_is_an_error(project: Project, command: tuple[str, ...], channels: str) -> None:
    lines = ["from emmett import App, Channels", "app = App(__name__)", channels, "app.inspector(None)"]
    project.write("app.py", "\n".join(lines))
    outcome = project.run(*command)
    assert outcome.code == 2
    assert "cannot be reached from another process" in outcome.errors
    assert "EMMETT_BROKER=redis://" in outcome.errors


def test_an_unavailable_broker_is_an_error(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMMETT_BROKER", f"unix://{project.folder}/no-socket")
    project.write(
        "app.py",
        """
        from emmett import App, Channels

        app = App(__name__)
        channels = Channels(app, start_timeout=0.05)
        app.inspector(None)
        """,
    )
    outcome = project.run("ps")
    assert outcome.code == 1
    assert outcome.errors.splitlines()[-1].startswith("error: ")
