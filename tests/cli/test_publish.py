from __future__ import annotations

import pytest

from tests.cli.project import Project

APP = """
    import pathlib
    from emmett import App, Channels
    from emmett.channels.brokers.memory import MemoryBroker

    class SharedBroker:
        '''It stands for one that processes share.'''

        def __init__(self):
            self.memory = MemoryBroker()

        def __getattr__(self, name):
            return getattr(self.memory, name)

        async def publish(self, channel, payload, limits):
            pathlib.Path(f"published-{self.name}").write_text(f"{channel} {payload.decode()}")
            return await self.memory.publish(channel, payload, limits)

    app = App(__name__)
    for name in ("one", "two"):
        broker = SharedBroker()
        broker.name = name
        channels = Channels(app, broker, prefix=name)
        channels.namespace("room", history=10, may_publish=lambda channel, data: False)
        if name == LAST:
            break
"""


def write(project: Project, last: str = "one") -> None:
    project.write("app.py", APP.replace("LAST", repr(last)))


def test_it_publishes_through_the_broker_without_permission_checks(project: Project) -> None:
    write(project)
    outcome = project.run("publish", "ticks", "tock")
    assert (outcome.code, outcome.output, outcome.errors) == (0, "", "")
    assert (project.folder / "published-one").read_text("utf-8") == "ticks ttock"
    outcome = project.run("publish", "room:1", "tick")
    assert outcome.code == 0
    assert outcome.output.endswith(":1\n")


def test_several_channels_objects_require_a_choice(project: Project) -> None:
    write(project, "two")
    outcome = project.run("publish", "ticks", "tock")
    assert outcome.code == 2
    assert "there are 2 Channels" in outcome.errors
    assert "--prefix with one of one, two" in outcome.errors
    assert project.run("publish", "ticks", "tock", "--prefix", "two").code == 0
    assert (project.folder / "published-two").exists()


def test_invalid_publications_are_refused(project: Project) -> None:
    write(project)
    outcome = project.run("publish", "a b", "x")
    assert (outcome.code, outcome.errors.splitlines()[0]) == (
        1,
        "error: not published: channel 'a b': expected no whitespace and no control characters",
    )


def test_channels_in_memory_are_an_error_with_the_reason(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMMETT_BROKER", raising=False)
    project.write("app.py", "from emmett import App, Channels\napp = App(__name__)\nchannels = Channels(app)\n")
    outcome = project.run("publish", "ticks", "tock")
    assert outcome.code == 2
    assert "in memory" in outcome.errors
    assert "EMMETT_BROKER=redis://" in outcome.errors


def test_an_application_without_channels_is_an_error(project: Project) -> None:
    project.write("app.py")
    assert "write channels = Channels(app)" in project.run("publish", "ticks", "tock").errors
