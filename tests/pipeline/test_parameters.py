"""Handlers that could not be called with the variables of their paths are refused at registration."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from emmett import App, Pipe, requires
from emmett.errors import ConfigurationError


class Filter:
    """Something that a type checker would take for the type of a body."""


class Login(Pipe):
    async def pipe_request(self, next_pipe: Any, /, **kwargs: Any) -> Any:
        return await next_pipe(user="ada", **kwargs)


class Watch(Pipe):
    async def open(self) -> None: ...


def nothing() -> None: ...
def named(name: str) -> None: ...
def optional(name: str = "") -> None: ...
def user(name: str, user: str) -> None: ...
def body(body: Filter) -> None: ...
def item(item: Filter) -> None: ...
def only(name: str, /) -> None: ...
def anything(**kwargs: Any) -> None: ...
def any_values(*args: Any, **kwargs: Any) -> None: ...


@functools.wraps(nothing)
def wrapped(**kwargs: Any) -> None: ...


@pytest.mark.parametrize(
    ("path", "handler"),
    [
        ("/a", nothing),
        ("/<str:name>", named),
        ("/(<str:name>)?", named),
        ("/<str:name>", optional),
        ("/a", optional),
        (["/a", "/<str:name>"], optional),
        ("/<str:name>", anything),
        ("/<str:name>", any_values),
        ("/<str:name>", wrapped),
        ("/<str:name>", functools.partial(named)),
        ("/<str:name>", functools.partial(user, user="ada")),
    ],
)
def test_matching_handlers_are_registered(path: Any, handler: Callable[..., Any]) -> None:
    App(__name__).route(path, name="x")(handler)


@pytest.mark.parametrize(
    ("path", "handler", "message"),
    [
        (
            "/<str:name>",
            nothing,
            "has the variable 'name', which the .* not take .it takes no parameters.*add a",
        ),
        ("/<str:nome>", named, "has the variable 'nome', which the function does not take .it takes name.*rename one"),
        (
            ["/<str:name>", "/a"],
            named,
            "parameter 'name' gets no value: path '/a' has no variables.*<str:name>",
        ),
        ("/<str:name>", only, "'name'.*positional-only|does not take"),
        ("/a", lambda request: None, "parameter 'request'.*use from emmett import request"),
        ("/a", lambda other: None, "parameter 'other'.*'<str:other>' to the path"),
    ],
)
@pytest.mark.parametrize("kind", ["route", "websocket"])
def test_errors_about_other_handlers_name_the_fix(
    path: Any, handler: Callable[..., Any], message: str, kind: str
) -> None:
    app = App(__name__)

    async def async_handler(*args: Any, **kwargs: Any) -> None: ...

    if kind == "websocket":
        # The parameters of the handler belong to an async function.
        import inspect

        async_handler.__signature__ = inspect.signature(handler)  # type: ignore[attr-defined]
        handler = async_handler
    with pytest.raises(ConfigurationError, match=message):
        getattr(app, kind)(path, name="x")(handler)


@pytest.mark.parametrize(
    ("path", "handler", "message"),
    [
        (
            "/<str:name>",
            user,
            "parameter 'user'.*has the variables name. Add '<str:user>' to the path, or give",
        ),
        ("/a", body, r"parameter 'body'.*A websocket handler gets path variables only; use await request\.body"),
        ("/a", item, r"parameter 'item'.*use await request\.body, or await request\.body_params for a form or JSON"),
    ],
)
def test_a_websocket_handler_gets_nothing_from_a_request(path: str, handler: Callable[..., Any], message: str) -> None:
    test_errors_about_other_handlers_name_the_fix(path, handler, message, "websocket")


def test_a_type_is_the_fix_for_a_request() -> None:
    with pytest.raises(ConfigurationError, match=r"as in body: str, or use await request\.body"):
        App(__name__).route("/a", name="x")(lambda body: None)


def test_a_pipe_of_the_application_may_change_the_arguments() -> None:
    app = App(__name__)
    app.route("/a/<str:name>", name="a", pipeline=[Login()])(user)
    module = app.module(__name__, "module", url_prefix="m")
    module.pipeline = [Login()]
    module.route("/<str:name>")(user)
    # Pipes of emmett, and those without a `pipe` hook, do not change them.
    for pipe in (Watch(), requires(lambda: True)):
        with pytest.raises(ConfigurationError, match="parameter 'user' gets no value"):
            app.route("/b/<str:name>", name="b", pipeline=[pipe])(lambda name, user: None)


def test_a_refused_handler_leaves_no_route() -> None:
    app = App(__name__)
    before = len(app.routes)
    with pytest.raises(ConfigurationError):
        app.route("/a", name="x")(lambda name: None)
    assert len(app.routes) == before
    app.route("/a", name="x")(nothing)
