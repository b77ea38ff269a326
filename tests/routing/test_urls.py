from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import ConfigurationError
from emmett.routing import PathPattern, UrlBuilder

from .strategies import arguments, sources

TEXT = st.text(st.characters(codec="utf-8"))  # no surrogates


@pytest.fixture
def urls() -> UrlBuilder:
    builder = UrlBuilder(("http", "https"))
    builder.add("index", PathPattern("/"))
    builder.add("static", PathPattern("/static/<any:filename>"))
    builder.add("blog.index", PathPattern("/blog(/)?"))
    builder.add("blog.post", PathPattern("/blog/<int:id>(/<str:title>)?"))
    builder.add("blog.post.1", PathPattern("/b/<int:id>"))
    builder.add("blog.admin.index", PathPattern("/blog/admin"))
    builder.add("shop.index", PathPattern("/shop"), hostname="Shop.test")
    builder.add("six", PathPattern("/six"), hostname="[::1]")
    return builder


@pytest.mark.parametrize(
    ("target", "args", "module", "url"),
    [
        ("index", None, None, "/"),
        ("index", None, "blog", "/"),
        ("blog.index", None, None, "/blog"),
        (".index", None, "blog", "/blog"),
        (".index", None, "blog.admin", "/blog/admin"),
        (".admin.index", None, "blog", "/blog/admin"),
        (".index", None, None, "/"),
        (".index", None, "", "/"),
        ("blog.post", 5, None, "/blog/5"),
        ("blog.post", [5, "a b"], None, "/blog/5/a%20b"),
        ("blog.post", (5, None), None, "/blog/5"),
        (".post.1", 5, "blog", "/b/5"),
        ("static", "js/a.js", None, "/static/js/a.js"),
    ],
)
def test_names_become_urls(urls: UrlBuilder, target: str, args: object, module: str | None, url: str) -> None:
    assert urls.build(target, args, module=module) == url


@pytest.mark.parametrize(
    ("path", "args", "url"),
    [
        ("/", None, "/"),
        ("/plain", None, "/plain"),
        ("/plain/", None, "/plain/"),
        ("/plain", ["a", 1], "/plain/a/1"),
        ("/plain/", "a", "/plain/a"),
        ("/", ["a"], "/a"),
        ("/plain", 0, "/plain/0"),
        ("/plain", [], "/plain"),
        ("/plain", "a/b?c#d%", "/plain/a%2Fb%3Fc%23d%25"),
        ("/a b/ü", None, "/a%20b/%C3%BC"),
        ("/a%20b/100%", None, "/a%20b/100%25"),
        ("/", "/evil.com", "/%2Fevil.com"),
        ("//evil.com", None, "/%2Fevil.com"),
        ("/\\evil.com", None, "/%5Cevil.com"),
    ],
)
def test_plain_paths_become_urls(urls: UrlBuilder, path: str, args: object, url: str) -> None:
    assert urls.build(path, args) == url


@pytest.mark.parametrize(
    ("params", "anchor", "end"),
    [
        ({}, None, ""),
        ({"q": "a b&c=ü"}, None, "?q=a%20b%26c%3D%C3%BC"),
        ({"page": 2, "size": 0.5, "all": True}, None, "?page=2&size=0.5&all=True"),
        ({"tag": ["a", "b"]}, None, "?tag=a&tag=b"),
        ({"tag": ("a", None, 1)}, None, "?tag=a&tag=1"),
        ({"gone": None, "empty": []}, None, ""),
        ({"blank": ""}, None, "?blank="),
        ({"a b": "c"}, None, "?a%20b=c"),
        ({"a": "b+c/d"}, None, "?a=b%2Bc%2Fd"),
        (None, "top", "#top"),
        (None, "a b#ü/?", "#a%20b%23%C3%BC/?"),
        (None, "", ""),
        ({"a": 1}, "top", "?a=1#top"),
    ],
)
def test_params_and_anchor_are_encoded(
    urls: UrlBuilder, params: dict[str, Any] | None, anchor: str | None, end: str
) -> None:
    assert urls.build("/a", params=params, anchor=anchor) == f"/a{end}"


CURRENT: dict[str, Any] = {"current_host": "app.test:8000", "current_scheme": "https"}


@pytest.mark.parametrize(
    ("options", "url"),
    [
        (CURRENT, "/"),
        ({"host": "other.test"}, "http://other.test/"),
        ({"host": "other.test:81"} | CURRENT, "https://other.test:81/"),
        ({"host": "[::1]:81"}, "http://[::1]:81/"),
        ({"scheme": "https", "host": "other.test"}, "https://other.test/"),
        ({"scheme": "http"} | CURRENT, "http://app.test:8000/"),
        ({"scheme": True} | CURRENT, "https://app.test:8000/"),
        ({"scheme": True, "current_host": "app.test"}, "http://app.test/"),
        ({"scheme": False} | CURRENT, "/"),
        ({"scheme": "", "host": ""} | CURRENT, "/"),
    ],
)
def test_absolute_urls_have_scheme_and_host(urls: UrlBuilder, options: dict[str, Any], url: str) -> None:
    assert urls.build("index", **options) == url


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"current_host": "shop.test"}, "/shop"),
        ({"current_host": "SHOP.test:8000"}, "/shop"),
        ({}, "http://shop.test/shop"),
        ({"current_host": "app.test"}, "http://shop.test/shop"),
        (CURRENT, "https://shop.test:8000/shop"),
        ({"scheme": "http"} | CURRENT, "http://shop.test/shop"),
        ({"scheme": "https"} | CURRENT, "https://shop.test:8000/shop"),
        ({"host": "mirror.test"} | CURRENT, "https://mirror.test/shop"),
    ],
)
def test_absolute_urls_have_the_hostname_of_the_route(urls: UrlBuilder, options: dict[str, Any], url: str) -> None:
    assert urls.build("shop.index", **options) == url


def test_a_hostname_may_be_an_ipv6_address(urls: UrlBuilder) -> None:
    assert urls.build("six", current_host="app.test:8000") == "http://[::1]:8000/six"
    assert urls.build("six", current_host="[::1]:8000") == "/six"


def test_websocket_schemes_follow_the_request() -> None:
    urls = UrlBuilder(("ws", "wss"))
    urls.add("echo", PathPattern("/echo"))
    assert urls.build("echo", **CURRENT) == "/echo"
    assert urls.build("echo", scheme=True, **CURRENT) == "wss://app.test:8000/echo"
    assert urls.build("echo", host="a.test", current_scheme="http") == "ws://a.test/echo"
    assert urls.build("echo", scheme="wss", host="a.test") == "wss://a.test/echo"
    with pytest.raises(ConfigurationError, match="scheme 'https' is not allowed here; use ws or wss"):
        urls.build("echo", scheme="https", host="a.test")


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("blog.pots", {}, "there is no route 'blog.pots' for http or https; did you mean 'blog.post'"),
        ("post", {}, "'blog.post'"),
        (".post", {"module": "shop"}, "there is no route '.post' (that is 'shop.post' here)"),
        ("shop", {}, "there is no route 'shop' for http"),
        ("zzzz", {}, "names are dotted, as in 'blog.index', and a path starts with '/'"),
        ("", {}, "there is no route ''"),
        (".", {"module": "blog"}, "there is no route '.'"),
        ("blog.post", {}, "path '/blog/<int:id>(/<str:title>)?': got 0 arguments"),
        ("blog.post", {"args": "x"}, "'x' does not fit <int:id>"),
        ("blog.post", {"args": {"id": 5}}, "args must be one value, or a list or tuple of values, not {'id': 5}"),
        ("static", {"args": b"a.js"}, "args must be one value"),
        ("/a?b=1", {}, "give what follows as params= or anchor="),
        ("/a#b", {}, "give what follows as params= or anchor="),
        ("/a", {"args": [None]}, "path '/a': None cannot be a segment"),
        ("/a", {"args": [""]}, "path '/a': a segment cannot be empty"),
        ("/a", {"args": ["\ud800"]}, "not valid Unicode"),
        ("/a", {"args": ".."}, "a segment cannot be '..'"),
        ("/a", {"args": ["b", ".", "c"]}, "a segment cannot be '.'"),
        ("/a/../b", {}, "a segment cannot be '..'"),
        ("/a/%2e%2E/b", {}, "a segment cannot be '%2e%2E'"),
        ("/.%2e", {}, "a segment cannot be '.%2e'"),
        ("static", {"args": "a/../b"}, "a segment cannot be '..'"),
        ("static", {"args": ".."}, "a segment cannot be '..'"),
        ("static", {"args": "a/."}, "a segment cannot be '.'"),
        ("blog.post", {"args": [5, ".."]}, "a segment cannot be '..'"),
        ("/a", {"params": {"b": {"c": 1}}}, "query parameter 'b' cannot be {'c': 1}"),
        ("/a", {"params": {"b": b"c"}}, "query parameter 'b' cannot be b'c'"),
        ("/a", {"params": {"b": "\ud800"}}, "not valid Unicode"),
        ("/a", {"anchor": "\ud800"}, "not valid Unicode"),
        ("/a", {"scheme": "ftp", "host": "a"}, "scheme 'ftp' is not allowed here; use http or https"),
        ("/a", {"scheme": "http"}, "a URL with scheme 'http' needs a host; outside of a request, pass host="),
        ("/a", {"host": "evil.com/x@"}, "host 'evil.com/x@' cannot be used in a URL"),
        ("/a", {"scheme": True, "current_host": "a\r\nb"}, "cannot be used in a URL"),
    ],
)
def test_errors_say_what_is_allowed(urls: UrlBuilder, target: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        urls.build(target, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("target", "options", "url"),
    [
        ("index", {}, "/m%C3%BC/n/"),
        ("static", {"args": "a.js"}, "/m%C3%BC/n/static/a.js"),
        ("/plain", {"args": [1], "params": {"a": 1}}, "/m%C3%BC/n/plain/1?a=1"),
        ("index", {"scheme": True} | CURRENT, "https://app.test:8000/m%C3%BC/n/"),
        ("index", {"host": "other.test"}, "http://other.test/m%C3%BC/n/"),
        ("shop.index", CURRENT, "https://shop.test:8000/m%C3%BC/n/shop"),
        ("/plain", {"host": "other.test"}, "http://other.test/plain"),
    ],
)
def test_urls_are_below_the_mount(urls: UrlBuilder, target: str, options: dict[str, Any], url: str) -> None:
    assert urls.build(target, root_path="/mü/n", **options) == url


@pytest.mark.parametrize("name", ["...", "a..b", ".a", "a.", "%2e%2e", ".a/b..", "..\\\\a"])
def test_dots_within_a_segment_are_kept(urls: UrlBuilder, name: str) -> None:
    built = urls.build("static", name)
    assert urljoin("http://a.test/x/y", built) == f"http://a.test{built}"
    assert unquote(built) == f"/static/{name}"


def test_a_name_in_other_modules_is_suggested(urls: UrlBuilder) -> None:
    empty = UrlBuilder(("http", "https"))
    empty.add("blog.index", PathPattern("/blog"))
    with pytest.raises(ConfigurationError, match=r"did you mean 'blog\.index'\?"):
        empty.build("index")


def test_a_duplicate_name_is_an_error_that_names_both_paths(urls: UrlBuilder) -> None:
    with pytest.raises(ConfigurationError, match="route name 'index' is taken by path '/'; give path '/home' another"):
        urls.add("index", PathPattern("/home"))
    assert urls.build("index") == "/"


@pytest.mark.parametrize("name", ["", ".index", "/index"])
def test_a_name_that_cannot_be_used_is_an_error(urls: UrlBuilder, name: str) -> None:
    with pytest.raises(ConfigurationError, match="must not be empty nor start with a slash or a dot"):
        urls.add(name, PathPattern("/home"))


@given(st.data(), sources(types=("int", "str", "any")).map(PathPattern))
def test_a_url_survives_a_client(data: st.DataObject, pattern: PathPattern) -> None:
    urls = UrlBuilder(("http", "https"))
    urls.add("name", pattern)
    args = data.draw(arguments(pattern))
    params = data.draw(st.dictionaries(TEXT, TEXT))
    try:
        url = urls.build("name", args, params, "end", host="a.test")
    except ConfigurationError as error:
        if pattern.regex is not None and "clients remove dot segments" not in str(error):
            raise
        return
    assert urljoin("http://a.test/x/y", url) == url
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("http", "a.test", "end")
    assert pattern.match(unquote(parts.path)) == {
        variable.name: value for variable, value in zip(pattern.variables, args, strict=True)
    }
    assert parse_qsl(parts.query, keep_blank_values=True) == list(params.items())
