"""`app.docs()`: where the page is, and when it is served."""

from __future__ import annotations

import pytest

from emmett import App
from emmett.environment import DEVELOP
from emmett.errors import ConfigurationError


def make_app(in_production: bool = False) -> App:
    app = App(__name__)
    app.docs("/docs", in_production=in_production)

    @app.route("/tea")
    async def tea() -> str:
        """Show a tea."""
        return "Assam"

    return app


@pytest.mark.parametrize(("in_production", "status"), [(False, 404), (True, 200)])
def test_the_page_is_off_outside_emmett_develop(
    in_production: bool, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DEVELOP, raising=False)
    with make_app(in_production).test_client() as client:
        assert client.get("/docs").status == status


def test_emmett_develop_serves_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEVELOP, "1")
    with make_app().test_client() as client:
        response = client.get("/docs")
        assert response.status == 200
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.headers["content-security-policy"].startswith("default-src 'none'; script-src 'sha256-")
        assert "Show a tea." in response.text
        assert '"docs_page"' not in response.text


def test_a_path_with_variables_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected a path without variables, such as '/docs'"):
        App(__name__).docs("/docs/<str:page>")
