"""`sdict` and `Headers`."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.datastructures import Headers, sdict

NAMES = st.sampled_from([b"accept", b"cookie", b"host", b"x-one", b"x-two"])
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=8).map(
    lambda text: text.encode("latin-1")
)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=12)


class TestSdict:
    def test_items_are_attributes(self) -> None:
        params = sdict(page="2")
        assert params.page == "2"
        params.page = "3"
        params.order = "name"
        assert params == {"page": "3", "order": "name"}
        del params.page
        assert params == {"order": "name"}

    def test_a_missing_item_reads_as_none_and_stays_missing(self) -> None:
        params: sdict[Any] = sdict()
        assert params.page is None
        assert params["page"] is None
        assert "page" not in params
        assert len(params) == 0

    def test_removing_a_missing_item_does_nothing(self) -> None:
        params = sdict(page="2")
        del params.order
        assert params == {"page": "2"}

    @pytest.mark.parametrize("name", [name for name in vars(dict) if not name.startswith("_")])
    def test_an_item_named_like_a_method_is_read_as_an_attribute(self, name: str) -> None:
        params: sdict[str] = sdict({"other": "1"})
        assert callable(getattr(params, name))
        setattr(params, name, "all")
        assert getattr(params, name) == params[name] == "all"
        assert list(dict.items(params)) == list(dict(params).items()) == [("other", "1"), (name, "all")]
        assert sdict.get(params, name) == "all"
        delattr(params, name)
        assert callable(getattr(params, name))
        assert params == {"other": "1"}

    def test_methods_are_available_unless_an_item_has_their_name(self) -> None:
        params = sdict(page="2")
        assert params.get("page") == "2"
        assert params.get("missing", "1") == "1"
        assert params.pop("page") == "2"
        params.update(page="3")
        assert list(params.items()) == [("page", "3")]

    @pytest.mark.parametrize("name", ["__deepcopy__", "__getstate_of__", "__html__"])
    def test_items_with_dunder_names_are_not_attributes(self, name: str) -> None:
        assert not hasattr(sdict({name: "x"}), name)

    def test_a_copy_is_an_independent_sdict(self) -> None:
        params = sdict(page="2")
        for other in (params.copy(), copy.copy(params), copy.deepcopy(params), pickle.loads(pickle.dumps(params))):
            assert type(other) is sdict
            assert other == params
            other.page = "9"
            assert params.page == "2"

    def test_a_copy_has_the_items_named_like_methods_too(self) -> None:
        params: sdict[str] = sdict(items="all", copy="yes")
        for other in (sdict.copy(params), copy.copy(params), copy.deepcopy(params), pickle.loads(pickle.dumps(params))):
            assert type(other) is sdict
            assert other == params == {"items": "all", "copy": "yes"}

    def test_a_copy_shares_its_values(self) -> None:
        params = sdict(tags=["a"])
        assert params.copy().tags is params.tags

    def test_it_holds_no_attributes_besides_its_items(self) -> None:
        assert not hasattr(sdict(), "__dict__")


class TestHeaders:
    def test_a_name_is_found_in_any_case(self) -> None:
        headers = Headers([(b"content-type", b"text/html")])
        for name in ("content-type", "Content-Type", "CONTENT-TYPE"):
            assert headers[name] == "text/html"
            assert headers.get(name) == "text/html"
            assert headers.get_all(name) == ["text/html"]
            assert name in headers

    def test_a_missing_field_is_none_or_raises_key_error(self) -> None:
        headers = Headers([(b"host", b"example.org")])
        assert headers.get("origin") is None
        assert headers.get("origin", "null") == "null"
        assert headers.get_all("origin") == []
        assert "origin" not in headers
        with pytest.raises(KeyError, match="Origin"):
            headers["Origin"]

    def test_a_blank_value_is_not_missing(self) -> None:
        headers = Headers([(b"origin", b"")])
        assert headers["origin"] == ""
        assert headers.get("origin", "null") == ""

    def test_repeated_fields_are_joined(self) -> None:
        headers = Headers([(b"accept", b"text/html"), (b"host", b"a"), (b"accept", b"*/*")])
        assert headers["accept"] == "text/html, */*"
        assert headers.get_all("Accept") == ["text/html", "*/*"]

    @pytest.mark.parametrize("name", ["cookie", "Cookie"])
    def test_repeated_cookie_fields_are_joined_as_cookies_are(self, name: str) -> None:
        assert Headers([(b"cookie", b"a=1"), (b"cookie", b"b=2")])[name] == "a=1; b=2"

    def test_bytes_beyond_ascii_are_latin_1(self) -> None:
        assert Headers([(b"x-name", b"Andr\xe9")])["x-name"] == "André"

    @pytest.mark.parametrize("name", ["заголовок", 5, b"host", None])
    def test_invalid_field_names_are_not_found(self, name: object) -> None:
        assert name not in Headers([(b"host", b"a")])

    def test_it_is_a_mapping_that_cannot_be_changed(self) -> None:
        headers = Headers([(b"host", b"a")])
        assert isinstance(headers, Mapping)
        assert not hasattr(headers, "__setitem__")
        assert not hasattr(headers, "__delitem__")
        with pytest.raises(AttributeError):
            headers.host = "b"  # type: ignore[attr-defined]

    def test_it_reads_any_iterable_once(self) -> None:
        headers = Headers((name, b"1") for name in (b"a", b"b"))
        assert headers.raw == [(b"a", b"1"), (b"b", b"1")]
        assert dict(headers) == dict(headers) == {"a": "1", "b": "1"}

    def test_its_repr_shows_its_fields(self) -> None:
        assert repr(Headers([(b"host", b"a")])) == "Headers({'host': 'a'})"
        assert Headers().raw == []

    @given(FIELDS)
    def test_all_its_views_agree(self, fields: list[tuple[bytes, bytes]]) -> None:
        headers = Headers(fields)
        assert headers.raw == fields
        names = list(headers)
        assert names == list(dict.fromkeys(name.decode() for name, _ in fields))
        assert len(headers) == len(names) == len(headers.items())
        assert sum(len(headers.get_all(name)) for name in names) == len(fields)
        for name, value in headers.items():
            assert name in headers
            assert value == ("; " if name == "cookie" else ", ").join(headers.get_all(name))
