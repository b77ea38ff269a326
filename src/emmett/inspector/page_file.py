"""The page of the inspector: one HTML file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from typing import NamedTuple

_SCRIPTS = ("dom.js", "service.js", "overview.js", "connections.js", "tail.js", "channels.js", "settings.js", "main.js")


class InspectorPage(NamedTuple):
    """The page.

    Fields:
        parts: its text, with gaps for the header field and the token that protect against requests of other sites.
        policy: its Content-Security-Policy: only its own script runs, and it connects to its own server only.
    """

    parts: tuple[str, str, str]
    policy: str

    def html(self, header: str, token: str) -> str:
        """Return the page.

        Arguments:
            header: the header field for the token of requests; empty if they need none.
            token: the token.
        """
        before, between, after = self.parts
        return f"{before}{escape(header)}{between}{escape(token)}{after}"


def render_inspector_page(title: str, payloads: bool) -> InspectorPage:
    """Return the page.

    Arguments:
        title: the name of the application.
        payloads: whether it may show the content of messages.
    """
    folder = files(__package__).joinpath("page")
    style = folder.joinpath("page.css").read_text("utf-8")
    script = "\n".join(folder.joinpath(name).read_text("utf-8") for name in _SCRIPTS)
    values = {
        "title": escape(title),
        "payloads": "1" if payloads else "",
        "style": style,
        "script": script,
    }
    before, *rest = folder.joinpath("page.html").read_text("utf-8").split("{{")
    texts = [before]
    for name, after in (part.split("}}", 1) for part in rest):
        if name in values:
            texts[-1] += values[name] + after
        else:
            # The gaps: the header field and the token differ between sessions.
            texts.append(after)
    first, second, third = texts
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return InspectorPage((first, second, third), policy)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
