from __future__ import annotations

from tests.cli.project import Project

APP = """
    from emmett import App

    app = App(__name__)
    app.schema("Shop", "1.5")
    calls = app.calls("/api")

    @calls.method()
    async def add(a: int, b: int = 0) -> int:
        return a + b
"""


def test_it_prints_the_code_of_a_client(project: Project) -> None:
    project.write("app.py", APP)
    outcome = project.run("client", "typescript")
    assert (outcome.code, outcome.errors) == (0, "")
    assert outcome.output.startswith("// The client of Shop 1.5, written by `emmett client typescript`. Do not edit.\n")
    assert "  add(params: { a: number; b?: number }, options?: CallOptions): Promise<number> {\n" in outcome.output


def test_it_writes_the_code_to_a_file(project: Project) -> None:
    project.write("app.py", APP)
    outcome = project.run("client", "python", "-o", "api.py")
    assert (outcome.code, outcome.output, outcome.errors) == (0, "", "")
    first = (project.folder / "api.py").read_text("utf-8")
    assert "    async def add(self, a: int, b: int = 0) -> int:\n" in first
    project.run("client", "python", "-o", "api.py")
    assert (project.folder / "api.py").read_text("utf-8") == first


def test_it_checks_whether_a_file_is_up_to_date(project: Project) -> None:
    project.write("app.py", APP)
    assert project.run("client", "python", "--check", "-o", "api.py").code == 1
    project.run("client", "python", "-o", "api.py")
    assert project.run("client", "python", "--check", "-o", "api.py").code == 0
    project.write("changed.py", APP.replace("b: int = 0", "b: int"))
    before = (project.folder / "api.py").read_text("utf-8")
    outcome = project.run("-a", "changed.py", "client", "python", "--check", "-o", "api.py")
    assert outcome.code == 1
    assert "api.py is not the client of the application as it is now" in outcome.errors
    assert (project.folder / "api.py").read_text("utf-8") == before


def test_wrong_use_is_explained(project: Project) -> None:
    project.write("app.py", APP)
    assert "--check needs the file to check" in project.run("client", "python", "--check").errors
    outcome = project.run("client", "python", "-o", "missing/api.py")
    assert (outcome.code, "missing/api.py cannot be written" in outcome.errors) == (1, True)
    assert project.run("client", "cobol").code == 2
    project.write("silent.py", APP.partition("    calls =")[0])
    outcome = project.run("-a", "silent.py", "client", "python")
    assert (outcome.code, "the application has no calls" in outcome.errors) == (2, True)


SDK_APP = """
    from emmett import App, Channels
    from emmett.centrifuge import Centrifuge

    app = App(__name__)
    rooms = app.calls("/rooms/<str:room>", name="rooms")
    other = app.calls("/other")
    centrifuge = Centrifuge(app, Channels(app), calls=rooms)

    @rooms.method()
    async def add(a: int, b: int = 0) -> int:
        return a + b

    @rooms.method()
    async def where(room: str) -> str:
        return room

    @other.method()
    async def hidden() -> None: ...
"""


def test_it_writes_wrappers_for_an_sdk(project: Project) -> None:
    project.write("app.py", SDK_APP)
    command = ("client", "typescript", "--sdk", "centrifuge")
    outcome = project.run(*command)
    assert (outcome.code, outcome.errors) == (0, "")
    assert "written by `emmett client typescript --sdk centrifuge`. Do not edit.\n" in outcome.output
    assert "export class Rooms {" in outcome.output
    assert "  add(params: { a: number; b?: number }): Promise<number> {\n" in outcome.output
    # These have a variable in their path, or belong to other calls.
    assert "where(" not in outcome.output
    assert "hidden(" not in outcome.output
    assert project.run(*command, "-o", "sdk.ts").code == 0
    assert project.run(*command, "--check", "-o", "sdk.ts").code == 0
    outcome = project.run("client", "typescript", "--check", "-o", "sdk.ts")
    assert outcome.code == 1


def test_impossible_wrappers_are_refused(project: Project) -> None:
    project.write("app.py", APP)
    outcome = project.run("client", "typescript", "--sdk", "centrifuge")
    assert (outcome.code, "no endpoint serves calls to SDKs" in outcome.errors) == (2, True)
    outcome = project.run("client", "python", "--sdk", "centrifuge")
    assert (outcome.code, "--sdk centrifuge is for TypeScript" in outcome.errors) == (2, True)
