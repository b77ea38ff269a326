from __future__ import annotations

from emmett import App
from emmett.schema.clients import render_centrifuge, render_typescript
from tests.schema.clients.sample import app


def test_a_client_is_the_same_each_time() -> None:
    assert render_typescript(app.describe()) == render_typescript(app.describe())


def test_methods_are_generated() -> None:
    text = render_typescript(app.describe())
    expected = [
        "  add(params: { a: number; b?: number }, options?: CallOptions): Promise<number> {\n"
        '    return this.connection.call("add", params, options);\n  }',
        "  say(params: Say, options?: CallOptions): Promise<Said> {",
        "  endless(options?: CallOptions): ItemStream<number> {\n"
        '    return this.connection.stream("endless", {}, options);\n  }',
        "  file_read(params: { path: string; connection?: string }, options?: CallOptions): Promise<string> {\n"
        '    return this.connection.call("file.read", params, options);\n  }',
        '  leave(params: { user: string }): boolean {\n    return this.connection.notify("leave", params);\n  }',
        'export interface ApiEvents {\n  "said": Said;\n  "left": Left;\n}',
        "(base: string | URL, variables: { room: string; number: number }, options: ConnectionOptions = {}) {",
        '`/rooms/${encodeSegment("room", String(variables.room))}/${encodePath(String(variables.number))}`',
    ]
    assert [part for part in expected if part not in text] == []


def test_members_of_a_client_are_not_replaced() -> None:
    application = App(__name__)
    calls = application.calls("/api")
    for name in ("connection", "on", "close", "then", "constructor"):
        calls.method(name)(_nothing)
    text = render_typescript(application.describe())
    assert all(f"  {name}_(options" in text for name in ("connection", "on", "close", "then", "constructor"))


async def _nothing() -> None: ...


def test_all_parameters_may_be_optional() -> None:
    application = App(__name__)

    @application.calls("/api").method()
    async def find(text: str = "", limit: int | None = None) -> list[str]:
        return []

    text = render_typescript(application.describe())
    assert (
        "  find(params: { text?: string; limit?: number | null } = {}, options?: CallOptions): Promise<string[]> {"
        in text
    )


def test_wrappers_around_an_sdk_are_generated() -> None:
    text = render_centrifuge(app.describe())
    assert text == render_centrifuge(app.describe())
    assert text.startswith("// The client of tests.schema.clients.sample 0.1.0, written by `emmett client typescript ")
    expected = [
        '\nimport type { Centrifuge, Subscription, SubscriptionOptions } from "centrifuge";\n',
        "  constructor(centrifuge: Centrifuge) {\n    this.connection = new SDKConnection(centrifuge);\n  }",
        "  add(params: { a: number; b?: number }): Promise<number> {\n"
        '    return this.connection.call("add", params);\n  }',
        '  endless(): ItemStream<number> {\n    return this.connection.stream("endless", {});\n  }',
        "  leave(params: { user: string }): Promise<void> {",
    ]
    assert [part for part in expected if part not in text] == []
    assert "CallsConnection" not in text


def test_members_of_wrappers_are_not_replaced() -> None:
    application = App(__name__)
    calls = application.calls("/api")

    @calls.method()
    async def channel() -> None: ...

    assert "  channel_(): Promise<null> {" in render_centrifuge(application.describe())
    assert "  channel(options?" in render_typescript(application.describe())
