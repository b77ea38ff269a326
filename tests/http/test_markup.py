"""Text that is already HTML."""

from __future__ import annotations

import markupsafe
import pytest

from emmett.http.markup import Markup
from emmett.http.response import Response


@pytest.mark.parametrize("kind", [Markup, markupsafe.Markup])
def test_markup_is_sent_as_html_and_plain_text_is_not(kind: type[str]) -> None:
    assert Response(kind("<b>")).content_type == "text/html; charset=utf-8"
    assert Response("<b>").content_type == "text/plain; charset=utf-8"


def test_templates_do_not_escape_markup() -> None:
    assert markupsafe.escape(Markup("<b>")) == "<b>"
    assert type(Markup("<b>").__html__()) is str


def test_text_derived_from_markup_is_plain_text() -> None:
    assert Response(Markup("<b>") + "<script>").content_type == "text/plain; charset=utf-8"
