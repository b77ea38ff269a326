"""The page of `app.docs()`: all functions, with a console to call them, in one HTML file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from typing import NamedTuple

import msgspec

from .description import Description

_SCRIPTS = ("schemas.js", "forms.js", "log.js", "console.js", "views.js", "main.js")


class DocsPage(NamedTuple):
    """The page.

    Fields:
        html: the page.
        policy: its Content-Security-Policy: only its own script runs, and it connects to its own server only.
    """

    html: str
    policy: str


def render_docs_page(description: Description, path: str) -> DocsPage:
    """Return the page of an application.

    Arguments:
        description: the application.
        path: the path of the page, as the application sees it. The page uses it to find the URL under which the
            application is served.
    """
    folder = files(__package__).joinpath("page")
    style = folder.joinpath("page.css").read_text("utf-8")
    script = "\n".join(folder.joinpath(name).read_text("utf-8") for name in _SCRIPTS)
    # In a script element, only `</script` and `<!--` are special.
    data = msgspec.json.encode(description).decode().replace("<", "\\u003c")
    parts = {
        "title": escape(description.about.title),
        "version": escape(description.about.version),
        "path": escape(path),
        "style": style,
        "script": script,
        "description": data,
    }
    before, *rest = folder.joinpath("page.html").read_text("utf-8").split("{{")
    html = before + "".join(parts[name] + after for name, after in (part.split("}}", 1) for part in rest))
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return DocsPage(html, policy)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
