from __future__ import annotations

import ast

import msgspec

from emmett import App
from emmett.schema.clients import render_python
from tests.schema.clients.sample import app


def test_a_client_is_the_same_each_time() -> None:
    assert render_python(app.describe()) == render_python(app.describe())


def test_methods_are_generated() -> None:
    text = render_python(app.describe())
    expected = [
        "    async def add(self, a: int, b: int = 0) -> int:\n",
        '        result: int = await self.connection.call("add", {"a": a, "b": b}, int)\n',
        '        The result is exact: "2" is not a number, and C:\\\\temp is no path */ of ours.\n',
        "    def answer(self, prompt: str, words: int | None = None) -> ItemStream[str]:\n",
        "    async def class_(self, data: bytes, on: datetime.date) -> dict[str, int]:\n",
        ' result: dict[str, int] = await self.connection.call("class", {"data": data, "on": on}, dict[str, int])\n',
        '    async def leave(self, user: str) -> None:\n        """Tell that somebody leaves."""\n'
        '        await self.connection.notify("leave", {"user": user})\n',
        """        url = websocket_url(base, f"/rooms/{path_segment('room', room)}/{quote(str(number))}")\n""",
        "    def events(self) -> AsyncIterator[Said | Left]:\n",
        "    def on_said(self, handler: Callable[[Said], object]) -> Callable[[], None]:\n",
        "    def __init__(self, base: str, room: str, number: int, **options: Unpack[ConnectionOptions]) -> None:\n",
    ]
    assert [part for part in expected if part not in text] == []


def test_only_used_names_are_imported() -> None:
    application = App(__name__)
    calls = application.calls("/api")

    @calls.method()
    async def add(a: int) -> int:
        return a

    text = render_python(application.describe())
    nodes = list(ast.walk(ast.parse(text)))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {alias.name for node in imports for alias in node.names}
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    assert imported - used == {"annotations"}
    assert "emmett" not in text.replace("`emmett client python`", "")
    assert "datetime" not in imported


def test_types_do_not_shadow_names_of_the_client() -> None:
    application = App(__name__)
    calls = application.calls("/api")
    for name in ("CallsConnection", "list", "asyncio", "UUID"):
        calls.emits(msgspec.defstruct(name, [("a", int)]))
    text = render_python(application.describe())
    for name in ("CallsConnection_", "list_", "asyncio_", "UUID_"):
        assert f"\nclass {name}(msgspec.Struct" in text


def test_parameters_may_have_awkward_names() -> None:
    application = App(__name__)

    @application.calls("/api").method()
    async def find(result: str = "", limit: list[str] = [], *, first: int) -> None: ...  # noqa: B006

    text = render_python(application.describe())
    assert (
        '    async def find(self, first: int, result_: str = "", limit: list[str] | UnsetType = UNSET) -> None:\n'
        in text
    )
    assert 'without_unset({"result": result_, "limit": limit, "first": first})' in text


def test_an_object_may_be_optional() -> None:
    class Options(msgspec.Struct):
        limit: int = 1

    application = App(__name__)
    method = application.calls("/api").method("find")

    async def find(options=Options()):  # type: ignore[no-untyped-def]  # noqa: B008
        return None

    find.__annotations__ = {"options": Options, "return": None}
    method(find)
    text = render_python(application.describe())
    assert "    async def find(self, options: Options | UnsetType = UNSET) -> None:\n" in text
    assert 'await self.connection.call("find", {} if options is UNSET else options, None)\n' in text
