from __future__ import annotations

import pytest

from emmett import App, Pipe, abort
from emmett.environment import DEVELOP
from emmett.errors import ConfigurationError


class Closed(Pipe):
    def open(self) -> None:
        abort(401)


def test_the_documents_are_served_while_developing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(__name__)
    app.schema("Shop", "2", "Sells.", servers=["https://example.com"])
    with app.test_client() as client:
        assert client.get("/openapi.json").status == 404
        monkeypatch.setenv(DEVELOP, "app:app")
        answer = client.get("/openapi.json")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json() == app.openapi()
        assert app.openapi()["info"] == {"title": "Shop", "version": "2", "description": "Sells."}
        assert client.get("/asyncapi.json").json()["servers"] == {"server1": {"host": "example.com", "protocol": "wss"}}


def test_production_serves_them_on_request_at_chosen_paths() -> None:
    app = App(__name__)
    app.schema(openapi="/api/schema.json", asyncapi=None, in_production=True)
    with app.test_client() as client:
        assert client.get("/api/schema.json").status == 200
        assert client.get("/asyncapi.json").status == 404


def test_the_pipeline_protects_the_documents() -> None:
    app = App(__name__)
    app.pipeline = [Closed()]
    app.schema(in_production=True)
    with app.test_client() as client:
        assert client.get("/openapi.json").status == 401


def test_a_server_must_be_a_url() -> None:
    with pytest.raises(ConfigurationError, match=r"'example.com'.*expected a URL"):
        App(__name__).schema(servers=["example.com"])


def test_a_path_that_is_taken_is_refused() -> None:
    app = App(__name__)

    @app.route("/openapi.json")
    async def own() -> str:
        return ""

    with pytest.raises(ConfigurationError, match=r"/openapi\.json"):
        app.schema()
