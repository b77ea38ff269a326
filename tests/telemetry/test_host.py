from __future__ import annotations

from emmett import App
from emmett.telemetry.host import path_patterns


def test_a_route_with_several_paths_has_the_first() -> None:
    app = App(__name__)

    @app.route(["/a", "/b/<int:number>"])
    async def several(number: int = 0) -> str:
        return ""

    patterns = path_patterns(app)
    assert next(path for name, path in patterns.items() if name.endswith("several")) == "/a"
