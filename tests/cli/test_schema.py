from __future__ import annotations

import json

from tests.cli.project import Project

APP = """
    from emmett import App

    app = App(__name__)
    app.schema("Shop", "1.5")
    calls = app.calls("/api")

    @app.route("/orders/<int:number>", methods="get")
    async def order(number):
        \"\"\"Return an order, however long the line that explains it, without a break in the middle of the text.\"\"\"

    @calls.method()
    async def add(a: int, b: int) -> int:
        return a + b
"""


def test_it_prints_a_document(project: Project) -> None:
    project.write("app.py", APP)
    outcome = project.run("schema", "openapi")
    assert (outcome.code, outcome.errors) == (0, "")
    document = json.loads(outcome.output)
    assert document["info"] == {"title": "Shop", "version": "1.5"}
    assert list(document["paths"]) == ["/orders/{number}"]
    assert document["paths"]["/orders/{number}"]["get"]["summary"].endswith("in the middle of the text.")


def test_it_writes_the_document_to_a_file(project: Project) -> None:
    project.write("app.py", APP)
    outcome = project.run("schema", "asyncapi", "-o", "asyncapi.json")
    assert (outcome.code, outcome.output, outcome.errors) == (0, "", "")
    text = (project.folder / "asyncapi.json").read_text("utf-8")
    assert text.endswith("}\n")
    assert list(json.loads(text)["operations"]) == ["calls.add", "calls.cancel"]


def test_a_missing_folder_is_an_error(project: Project) -> None:
    project.write("app.py", APP)
    outcome = project.run("schema", "openapi", "-o", "missing/openapi.json")
    assert outcome.code == 1
    assert "missing/openapi.json cannot be written" in outcome.errors


def test_an_unknown_kind_is_an_error(project: Project) -> None:
    project.write("app.py", APP)
    outcome = project.run("schema", "swagger")
    assert outcome.code == 2
    assert "openapi" in outcome.errors
