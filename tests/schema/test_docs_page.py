from __future__ import annotations

import base64
import hashlib
import json
import re

from emmett.schema import About, DescribedRequest, Description
from emmett.schema.docs_page import render_docs_page


def describe(description: str = "") -> Description:
    about = About(title="<Tea> & co", version="1.4", description=description)
    return Description(about=about, requests=(DescribedRequest(name="tea", paths=(), methods=("GET",)),))


def test_the_policy_allows_the_script_and_the_style_of_the_page() -> None:
    html, policy = render_docs_page(describe(), "/docs")
    for element, directive in (("style>", "style-src"), ('script type="module">', "script-src")):
        text = html.partition(f"<{element}")[2].partition(f"</{element.partition(' ')[0].rstrip('>')}>")[0]
        hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{hashed}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_the_page_loads_nothing() -> None:
    html = render_docs_page(describe(), "/docs").html
    assert re.findall(r'(?:src|href)="([^"]*)"', html) == ["data:,", "#main"]
    assert "@import" not in html
    assert "url(" not in html


def test_text_of_the_application_is_escaped() -> None:
    attack = "</script><script>alert(1)</script><!--"
    html = render_docs_page(describe(attack), "/docs").html
    assert "<title>&lt;Tea&gt; &amp; co</title>" in html
    assert attack not in html
    data = html.partition('id="description">')[2].partition("</script>")[0]
    found = json.loads(data)
    assert found["about"]["description"] == attack
    assert found["requests"][0]["name"] == "tea"


def test_the_page_gets_its_path() -> None:
    assert '<body data-path="/a&quot;b">' in render_docs_page(describe(), '/a"b').html


def test_braces_in_text_of_the_application_are_kept() -> None:
    html = render_docs_page(describe("{{style}} }} {{"), "/docs").html
    assert '"description":"{{style}} }} {{"' in html
