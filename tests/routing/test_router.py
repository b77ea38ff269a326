from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emmett.errors import ConfigurationError
from emmett.routing import Match, PathPattern, Router

from .strategies import sources, texts


def find(
    router: Router[str], path: str, method: str | None = "GET", scheme: str = "http", host: str = ""
) -> str | None:
    return router.match(path, method=method, scheme=scheme, host=host).endpoint


def build(*paths: str) -> Router[str]:
    router: Router[str] = Router()
    for path in paths:
        router.add(PathPattern(path), path)
    return router


def test_a_match_has_endpoint_and_values() -> None:
    router = build("/about", "/post/<int:id>(/<str:title>)?")
    assert router.match("/about", scheme="http", host="") == Match("/about", {}, frozenset())
    assert router.match("/post/5/x", scheme="http", host="") == Match(
        "/post/<int:id>(/<str:title>)?", {"id": 5, "title": "x"}, frozenset()
    )
    assert router.match("/nowhere", scheme="http", host="") == Match(None, {}, frozenset())


def test_an_empty_router_finds_nothing() -> None:
    assert Router[str]().match("/", scheme="http", host="") == Match(None, {}, frozenset())


def test_arguments_are_a_new_dict_each_time() -> None:
    router = build("/a", "/<str:v>")
    for path in ("/a", "/b"):
        router.match(path, scheme="http", host="").arguments["changed"] = True
        assert "changed" not in router.match(path, scheme="http", host="").arguments


def test_paths_without_variables_come_first() -> None:
    router = build("/<str:v>", "/a")
    assert find(router, "/a") == "/a"
    assert find(router, "/b") == "/<str:v>"


def test_registration_order_decides_between_paths_with_variables() -> None:
    assert find(build("/<int:v>", "/<str:v>"), "/5") == "/<int:v>"
    assert find(build("/<str:v>", "/<int:v>"), "/5") == "/<str:v>"
    assert find(build("/<any:v>/<any:w>", "/<str:v>/<str:w>"), "/a/b") == "/<any:v>/<any:w>"
    assert find(build("/<str:v>/<str:w>", "/<any:v>/<any:w>"), "/a/b") == "/<str:v>/<str:w>"


def test_optional_text_is_looked_up_with_and_without() -> None:
    router = build("/blog(/)?", "/<any:rest>")
    assert find(router, "/blog") == find(router, "/blog/") == "/blog(/)?"
    assert find(router, "/blog//") == "/<any:rest>"


def test_no_slash_is_added_or_dropped() -> None:
    router = build("/a", "/b/")
    assert find(router, "/a/") is None
    assert find(router, "/b") is None


def test_text_that_is_no_value_is_tried_on_later_routes() -> None:
    router = build("/<date:day>", "/x", "/<str:name>")
    assert find(router, "/2024-02-29") == "/<date:day>"
    assert find(router, "/2024-13-40") == "/<str:name>"
    assert find(build("/<date:day>"), "/2024-13-40") is None


def test_a_path_that_only_starts_like_an_ambiguous_one_is_tried_on_later_routes() -> None:
    router = build("/f/<str:a>.<str:b>", "/f/<int:v>", "/f/<str:name>")
    assert find(router, "/f/a.b") == "/f/<str:a>.<str:b>"
    assert find(router, "/f/5") == "/f/<int:v>"
    assert find(router, "/f/a") == "/f/<str:name>"
    assert find(router, "/f/a/b") is None


def test_methods_choose_among_routes_of_one_path() -> None:
    router: Router[str] = Router()
    router.add(PathPattern("/a"), "read", methods=["get", "head"])
    router.add(PathPattern("/a"), "write", methods=["POST"])
    router.add(PathPattern("/<int:v>"), "read one", methods="get")
    router.add(PathPattern("/<int:w>"), "write one", methods={"post"})
    assert find(router, "/a") == "read"
    assert find(router, "/a", "POST") == "write"
    assert router.match("/5", method="POST", scheme="http", host="") == Match("write one", {"w": 5}, frozenset())
    assert router.match("/a", method="PUT", scheme="http", host="") == Match(
        None, {}, frozenset({"GET", "HEAD", "POST"})
    )
    assert router.match("/5", method="PUT", scheme="http", host="").allowed == {"GET", "POST"}


def test_a_wrong_method_is_tried_on_every_later_route() -> None:
    router: Router[str] = Router()
    router.add(PathPattern("/a"), "static", methods=["get"])
    router.add(PathPattern("/<date:v>"), "no value", methods=["trace"])
    router.add(PathPattern("/<alpha:v>"), "alpha", methods=["post"])
    router.add(PathPattern("/<str:v>"), "str", methods=["put"])
    router.add(PathPattern("/<any:v>"), "any", methods=["delete"])
    for method, endpoint in {"GET": "static", "POST": "alpha", "PUT": "str", "DELETE": "any"}.items():
        assert find(router, "/a", method) == endpoint
    assert router.match("/a", method="PATCH", scheme="http", host="").allowed == {"GET", "POST", "PUT", "DELETE"}
    assert router.match("/2024-13-40", method="TRACE", scheme="http", host="").allowed == {"PUT", "DELETE"}


def test_a_route_without_methods_accepts_every_method_and_none() -> None:
    router = build("/a")
    assert find(router, "/a", "BREW") == "/a"
    assert find(router, "/a", None) == "/a"
    only_get: Router[str] = Router()
    only_get.add(PathPattern("/a"), "get", methods=["get"])
    assert find(only_get, "/a", None) == "get"
    assert find(only_get, "/a", "get") is None  # methods are case-sensitive (RFC 9110, 9.1)


def test_schemes_choose_among_routes() -> None:
    router: Router[str] = Router()
    router.add(PathPattern("/a"), "secure", schemes=["https"])
    router.add(PathPattern("/a"), "plain", schemes="HTTP")
    router.add(PathPattern("/b"), "both")
    router.add(PathPattern("/<str:v>"), "secure variable", schemes=["https"])
    assert find(router, "/a") == "plain"
    assert find(router, "/a", scheme="https") == "secure"
    assert find(router, "/b") == find(router, "/b", scheme="https") == find(router, "/b", scheme="gopher") == "both"
    assert find(router, "/a", scheme="gopher") is None
    assert find(router, "/x") is None
    assert find(router, "/x", scheme="https") == "secure variable"


def test_hostname_comes_before_every_host() -> None:
    router: Router[str] = Router()
    router.add(PathPattern("/a"), "every")
    router.add(PathPattern("/<str:v>"), "blog variable", hostname="Blog.Example.com")
    router.add(PathPattern("/b"), "every b")
    router.add(PathPattern("/c"), "six", hostname="[::1]")
    assert find(router, "/a") == "every"
    for host in ("blog.example.com", "BLOG.example.com", "blog.example.com:8000", "blog.example.com."):
        assert find(router, "/a", host=host) == "blog variable"
    assert find(router, "/a", host="example.com") == "every"
    assert find(router, "/a", host="xblog.example.com") == "every"
    assert find(router, "/c", host="[::1]:8000") == "six"
    assert find(router, "/c") is None
    assert find(router, "/b", host="[::1]") == "every b"


def test_a_method_missing_on_the_hostname_is_found_on_every_host() -> None:
    router: Router[str] = Router()
    router.add(PathPattern("/a"), "every", methods=["post"])
    router.add(PathPattern("/a"), "blog", methods=["get"], hostname="blog.test")
    assert find(router, "/a", "POST", host="blog.test") == "every"
    assert router.match("/a", method="PUT", scheme="http", host="blog.test").allowed == {"GET", "POST"}
    assert router.match("/a", method="GET", scheme="http", host="other").allowed == {"POST"}


def test_routes_may_be_added_after_a_match() -> None:
    router = build("/a")
    assert find(router, "/b") is None
    router.add(PathPattern("/b"), "b")
    router.add(PathPattern("/<int:v>"), "int")
    assert find(router, "/b") == "b"
    assert find(router, "/5") == "int"


def test_unknown_hosts_and_schemes_take_no_memory() -> None:
    router: Router[str] = Router()
    router.add(PathPattern("/a"), "blog", hostname="blog.test")
    for number in range(100):
        router.match("/a", scheme=f"s{number}", host=f"h{number}")
    assert len(router._sets) <= 2
    assert len(router._searched) <= 2


class Named:
    def __init__(self, name: str) -> None:
        self.name = name


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/a", "/a"),
        ("/a", "a"),
        ("/a(/)?", "/a/"),
        ("/a", "/a(/)?"),
        ("/<int:a>", "/<int:b>"),
        ("/<int:a>(/<str:b>)?", "/<int:b>(/<str:a>)?"),
    ],
)
def test_a_duplicate_path_is_an_error_that_names_both(first: str, second: str) -> None:
    router: Router[Named] = Router()
    router.add(PathPattern(first), Named("blog.one"), methods=["get", "post"])
    with pytest.raises(ConfigurationError) as caught:
        router.add(PathPattern(second), Named("blog.two"), methods=["post", "put"])
    message = str(caught.value)
    for text in ("'blog.one'", "'blog.two'", repr(PathPattern(first).source), repr(PathPattern(second).source), "POST"):
        assert text in message
    assert "PUT" not in message
    # The refused routes leave no trace.
    assert router.match(PathPattern(second).source, method="PUT", scheme="http", host="").endpoint is None


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ({}, {}, True),
        ({"methods": ["get"]}, {}, True),
        ({"methods": ["get"]}, {"methods": ["post"]}, False),
        ({"schemes": ["http"]}, {}, True),
        ({"schemes": ["http"]}, {"schemes": ["https"]}, False),
        ({"schemes": ["http"], "methods": ["get"]}, {"schemes": ["https"], "methods": ["get"]}, False),
        ({"hostname": "a.test"}, {}, False),
        ({"hostname": "a.test"}, {"hostname": "b.test"}, False),
        ({"hostname": "a.test"}, {"hostname": "A.test."}, True),
    ],
)
def test_equivalent_registrations_clash(first: dict[str, str], second: dict[str, str], clash: bool) -> None:
    router: Router[str] = Router()
    for pattern in (PathPattern("/a"), PathPattern("/<int:v>")):
        router.add(pattern, "one", **first)
        if clash:
            with pytest.raises(ConfigurationError, match="is registered twice, for 'one'"):
                router.add(pattern, "two", **second)
        else:
            router.add(pattern, "two", **second)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"methods": ["get", "gett"]},
            "unknown method 'gett'; the methods are GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE",
        ),
        ({"methods": []}, "no method given; give one or more of GET"),
        ({"schemes": ["ftp"]}, "unknown scheme 'ftp'; the schemes are http, https, ws, wss"),
        ({"schemes": ()}, "no scheme given; give one or more of http, https, ws, wss"),
        ({"hostname": "a.test:80"}, "hostname 'a.test:80' is not allowed"),
    ],
)
def test_an_error_about_an_option_says_what_is_allowed(options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Router[str]().add(PathPattern("/a"), "a", **options)
    assert message in str(caught.value)


@settings(max_examples=300)
@given(st.lists(sources(), max_size=8, unique_by=lambda source: PathPattern(source).key), texts)
def test_the_result_is_that_of_trying_each_pattern_in_order(paths: list[str], text: str) -> None:
    patterns = [PathPattern(path) for path in paths]
    router: Router[PathPattern] = Router()
    added = []
    for pattern in patterns:
        try:
            router.add(pattern, pattern)
        except ConfigurationError:  # one text is matched by a path with and one without an optional part
            continue
        added.append(pattern)
    in_order = sorted(added, key=lambda pattern: not pattern.is_static)
    expected = next(((pattern, pattern.match(text)) for pattern in in_order if pattern.match(text) is not None), None)
    endpoint, arguments, allowed = router.match(text, scheme="http", host="")
    assert (endpoint, arguments) == (expected or (None, {}))
    assert not allowed
