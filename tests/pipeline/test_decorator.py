from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from emmett.errors import ConfigurationError
from emmett.pipeline import collect_pipes, requires, service


def always() -> bool:
    return True


def test_the_pipe_nearest_to_the_function_is_the_innermost() -> None:
    outer, inner = requires(always), requires(always)

    @outer
    @inner
    @service.json
    def handler() -> None:
        pass

    assert collect_pipes(handler) == (outer, inner, service.json)


def test_the_function_itself_is_returned() -> None:
    def handler() -> str:
        return "result"

    assert requires(always)(handler) is handler
    assert handler() == "result"


def test_a_function_without_decorators_has_no_pipes() -> None:
    assert collect_pipes(lambda: None) == ()


def test_a_method_has_no_pipes() -> None:
    assert collect_pipes("text".upper) == ()


def test_a_wrapper_does_not_share_its_pipes_with_the_wrapped_function() -> None:
    inner, outer = requires(always), requires(always)

    @inner
    def handler() -> None:
        pass

    @functools.wraps(handler)
    def wrapper() -> None:
        handler()

    outer(wrapper)
    assert collect_pipes(wrapper) == (outer, inner)
    assert collect_pipes(handler) == (inner,)


def test_one_handler_may_be_registered_twice() -> None:
    @service.json
    def handler() -> None:
        pass

    assert collect_pipes(handler) == collect_pipes(handler) == (service.json,)


def test_a_decorator_above_the_route_is_an_error() -> None:
    def route(function: Callable[..., Any]) -> Callable[..., Any]:
        collect_pipes(function)
        return function

    with pytest.raises(ConfigurationError, match=r"decorator Requires is above the route of .*handler, which is"):

        @requires(always)
        @route
        def handler() -> None:
            pass


@pytest.mark.parametrize("value", [None, "index", Exception, service.json])
def test_only_functions_can_be_decorated(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"decorator JSONService got .*: it must be the function"):
        service.json(value)
