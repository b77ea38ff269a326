"""The page: one file that loads nothing, whose script and style alone may run."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from emmett.inspector.page_file import render_inspector_page


def test_the_policy_allows_the_script_and_the_style_of_the_page() -> None:
    page = render_inspector_page("Tea", payloads=False)
    html = page.html("", "")
    for element, directive in (("style>", "style-src"), ('script type="module">', "script-src")):
        text = html.partition(f"<{element}")[2].partition(f"</{element.partition(' ')[0].rstrip('>')}>")[0]
        hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{hashed}'" in page.policy
    assert page.policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in page.policy
    assert "unsafe" not in page.policy


def test_the_page_loads_nothing() -> None:
    html = render_inspector_page("Tea", payloads=False).html("", "")
    static = html.partition("<script")[0]
    assert re.findall(r'(?:src|href)="([^"]*)"', static) == (
        ["data:,", "#main", "#overview", "#connections", "#channels", "#settings"]
    )
    for word in ("@import", "url(", "http://", "https://", "innerHTML"):
        assert word not in html.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("payloads", [False, True])
def test_the_page_contains_title_setting_and_token(payloads: bool) -> None:
    html = render_inspector_page("<Tea> & co", payloads).html("X-Token", 'a"b')
    assert "<title>&lt;Tea&gt; &amp; co: inspector</title>" in html
    assert f'data-payloads="{"1" if payloads else ""}" data-header="X-Token" data-token="a&quot;b"' in html
