from __future__ import annotations

from tests.cli.project import Project


def test_it_lists_routes_with_hosts_and_pipes(project: Project) -> None:
    project.write(
        "app.py",
        """
        from emmett import App, Pipe

        class Guard(Pipe):
            pass

        app = App(__name__)
        admin = app.module(__name__, "admin", url_prefix="admin", hostname="admin.example")
        admin.pipeline = [Guard()]

        @app.route("/", methods=["get", "delete"])
        async def index():
            return ""

        @admin.websocket("/log/<str:name>")
        async def log(name):
            pass
        """,
    )
    outcome = project.run("routes")
    assert (outcome.code, outcome.errors) == (0, "")
    rows = [line.split() for line in outcome.output.splitlines()]
    assert ["http", "GET", "DELETE", "/", "index"] in [
        [*row[:1], *sorted(row[1:3], reverse=True), *row[3:]] for row in rows
    ]
    assert ["websocket", "/admin/log/<str:name>", "admin.log", "admin.example", "Guard"] in rows
