from __future__ import annotations

from tests.cli.project import Project

APP = """
    import pathlib
    from emmett import App, Channels
    from emmett.centrifuge import Centrifuge
    from emmett.channels.brokers.memory import MemoryBroker

    class SharedBroker:
        '''It stands for one that processes share.'''

        def __init__(self):
            self.memory = MemoryBroker()

        def __getattr__(self, name):
            return getattr(self.memory, name)

        async def publish(self, channel, payload, limits):
            pathlib.Path("published").write_text(f"{channel} {payload.decode()}")
            return await self.memory.publish(channel, payload, limits)

    app = App(__name__)
    channels = Channels(app, BROKER)
    channels.namespace("room", history=10)
    for name in NAMES:
        Centrifuge(app, channels, f"/{name}", name=name)
"""


def write(project: Project, broker: str = "SharedBroker()", *names: str) -> None:
    project.write("app.py", APP.replace("BROKER", broker).replace("NAMES", repr(names)))


def test_it_reaches_clients_through_the_broker(project: Project) -> None:
    write(project, "SharedBroker()", "one", "two")
    outcome = project.run("centrifuge", "disconnect", '{"user": "42"}', "--name", "two")
    assert (outcome.code, outcome.output, outcome.errors) == (0, "{}\n", "")
    sent = (project.folder / "published").read_text("utf-8")
    assert sent.startswith('emmett-centrifuge:two t{"action":"disconnect","user":"42"')


def test_results_and_errors_are_printed(project: Project) -> None:
    write(project, "SharedBroker()", "one")
    outcome = project.run("centrifuge", "publish", '{"channel": "room:1", "data": 1}')
    assert outcome.output.startswith('{"offset":1,"epoch":')
    outcome = project.run("centrifuge", "dance")
    assert outcome.code == 1
    assert "dance failed: method not found" in outcome.errors


def test_several_endpoints_require_a_name(project: Project) -> None:
    write(project, "SharedBroker()", "one", "two")
    outcome = project.run("centrifuge", "info")
    assert outcome.code == 2
    assert "--name with one of one, two" in outcome.errors


def test_a_missing_endpoint_is_an_error(project: Project) -> None:
    write(project)
    assert "has no endpoint for Centrifuge clients" in project.run("centrifuge", "info").errors


def test_channels_in_memory_are_an_error(project: Project) -> None:
    write(project, "None", "one")
    assert "are in memory" in project.run("centrifuge", "info").errors
