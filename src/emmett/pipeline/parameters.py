"""Check a handler's parameters against the variables of its path, when its route is registered."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from ..errors import ConfigurationError
from .pipe import Pipe

_ADVICE = {
    "body": "await request.body, or await request.body_params for a form or JSON",
    "data": "await request.body_params for a form or JSON",
    "form": "await request.body_params",
    "payload": "await request.body_params for a form or JSON",
    "files": "await request.files",
    "query": "request.query_params",
    "params": "request.query_params",
    "request": "from emmett import request",
    "response": "from emmett import response",
    "session": "from emmett import session",
    "websocket": "from emmett import websocket",
    "ws": "from emmett import websocket",
}


def check_parameters(
    label: str,
    handler: Callable[..., Any],
    paths: Sequence[tuple[str, Sequence[str]]],
    pipes: Sequence[Pipe],
    filled: Collection[str] | None = None,
) -> None:
    """Refuse a handler that cannot be called with the variables of its paths.

    A pipe with a `pipe` hook may change the arguments of the handler. Nothing is checked if the pipeline contains such
    a pipe of the application's own.

    Arguments:
        label: the route, as the error names it.
        handler: the function of the route.
        paths: each path with the names of its variables.
        pipes: the whole pipeline.
        filled: the names of the parameters that get a value from a request; None for a websocket.

    Raises:
        ConfigurationError: the handler does not take a variable, or has a required parameter without a value.
    """
    if may_change_arguments(pipes):
        return
    try:
        # A decorator is responsible for the function that it wraps.
        parameters = inspect.signature(handler, follow_wrapped=False).parameters.values()
    except (TypeError, ValueError):
        return  # some callables written in C have no signature
    by_name = {each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)}
    open_ended = any(each.kind is each.VAR_KEYWORD for each in parameters)
    for path, variables in paths:
        unknown = [name for name in variables if name not in by_name]
        if unknown and not open_ended:
            takes = f"it takes {', '.join(sorted(by_name))}" if by_name else "it takes no parameters"
            raise ConfigurationError(
                f"{label}: path {path!r} has the variable {unknown[0]!r}, which the function does not take ({takes}): "
                f"add a parameter {unknown[0]!r}, or rename one of the two"
            )
        for each in parameters:
            is_filled = each.name in by_name and (each.name in variables or each.name in (filled or ()))
            is_variadic = each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
            if not (is_filled or is_variadic) and each.default is each.empty:
                raise ConfigurationError(_describe_unfilled(label, each, path, variables, filled is not None))


def _describe_unfilled(
    label: str, parameter: inspect.Parameter, path: str, variables: Sequence[str], is_request: bool
) -> str:
    if parameter.kind is parameter.POSITIONAL_ONLY:
        return f"{label}: parameter {parameter.name!r} is positional-only, but path variables are passed by name"
    has = f"has the variables {', '.join(variables)}" if variables else "has no variables"
    problem = f"{label}: parameter {parameter.name!r} gets no value: path {path!r} {has}"
    advice = _ADVICE.get(parameter.name)
    if advice is None and parameter.annotation not in (parameter.empty, str, int, float, "str", "int", "float"):
        advice = _ADVICE["body"]
    if is_request and parameter.annotation is parameter.empty:
        wanted = f"Give it a type to read it from the request, as in {parameter.name}: str, or "
        use = f"use {advice}" if advice is not None else f"add '<str:{parameter.name}>' to the path"
        return f"{problem}. {wanted}{use}"
    if advice is not None and not is_request:
        return f"{problem}. A websocket handler gets path variables only; use {advice}"
    return f"{problem}. Add '<str:{parameter.name}>' to the path, or give the parameter a default"


def may_change_arguments(pipes: Iterable[Pipe]) -> bool:
    """Return whether a pipe of the application's own may change the arguments or the result of the handler."""
    return any(map(_wraps_handler, pipes))


def _wraps_handler(pipe: Pipe) -> bool:
    kind = type(pipe)
    hooks = ("pipe", "pipe_request", "pipe_ws")
    own = any(getattr(getattr(pipe, name), "__func__", None) is not getattr(Pipe, name) for name in hooks)
    # The framework's own pipes leave the arguments unchanged.
    return own and not kind.__module__.startswith("emmett.")
