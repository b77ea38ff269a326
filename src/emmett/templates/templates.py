"""`Templates`: the templates in a folder, rendered by jinja2."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..ctx import request, response, session
from ..errors import ConfigurationError
from ..http.markup import Markup
from ..security import csp_nonce, csrf_field, csrf_token
from ..urls import url
from .finding import is_html, template_path

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_MISSING = "templates need jinja2, which is not installed: pip install jinja2"

# What every template sees beside the values it is given.
_GLOBALS: dict[str, Any] = {
    "csp_nonce": csp_nonce,
    "csrf_field": csrf_field,
    "csrf_token": csrf_token,
    "request": request,
    "response": response,
    "session": session,
    "url": url,
}


class Templates:
    """The templates of an application.

    What they print is escaped, but in templates whose names end with `.txt`. A name that nobody gave a value is an
    error as soon as it is used, which names the template and the line: a page with a hole in it is found by no test.

    Arguments:
        folder: where they are; it need not be there while none is used.
        reload: tells whether to look at the files anew each time, as while developing.
    """

    def __init__(self, folder: Path, *, reload: Callable[[], bool] = lambda: False) -> None:
        self.folder = folder
        self._reload = reload
        self._environment: Environment | None = None
        # Those that were used, by their names.
        self._loaded: dict[str, Template] = {}
        # The template of each route; None when it has none.
        self._names: dict[str, str | None] = {}

    @property
    def environment(self) -> Environment:
        """jinja2's own environment: `app.templates.environment.filters["money"] = format_money`.

        Raises:
            ConfigurationError: jinja2 is not installed.
        """
        if self._environment is None:
            self._environment = _make_environment(self.folder, reload=self._reload())
        return self._environment

    @property
    def reloads(self) -> bool:
        """Whether the files are looked at anew each time."""
        return self._reload()

    def find(self, route: str) -> str | None:
        """Return the name of a route's template; None when there is none, or no jinja2 to render it.

        Arguments:
            route: the full name of the route: `index` has `index.html`, `blog.post` has `blog/post.html`.
        """
        if route not in self._names or self._reload():
            name = template_path(route)
            is_there = find_spec("jinja2") is not None and (self.folder / name).is_file()
            self._names[route] = name if is_there else None
        return self._names[route]

    async def render(self, name: str, values: Mapping[str, Any]) -> str:
        """Return a template filled with values; where its suffix is that of HTML, a response with it is `text/html`.

        It is read and compiled in a thread when it is used first, with those that it names, and runs on the event loop:
        what it shows is there already, in `values`.

        Arguments:
            name: its path below the folder, with `/` between its parts.
            values: what it sees beside `request`, `response`, `session`, `url`, `csrf_token`, `csrf_field` and
                `csp_nonce`.

        Raises:
            ConfigurationError: there is no such template, or none of a name that it extends or includes, or no jinja2.
            jinja2.TemplateError: it is not valid, or uses a name that has no value.
        """
        environment = self.environment
        from jinja2 import TemplateNotFound

        try:
            template = self._loaded.get(name)
            if template is None or (self._reload() and not template.is_up_to_date):
                template = self._loaded[name] = await asyncio.to_thread(_load, environment, name)
            page = template.render(values)
        except TemplateNotFound as error:
            # Its cause tells where it is named.
            raise ConfigurationError(
                await asyncio.to_thread(self._describe_missing, str(error.name or name))
            ) from error
        return Markup(page) if is_html(name) else page

    def _describe_missing(self, name: str) -> str:
        names = self.environment.list_templates()
        close = get_close_matches(name, names, n=3)
        hint = f"did you mean {', '.join(map(repr, close))}?" if close else f"there are {len(names)} templates"
        return f"there is no template {name!r} in {os.fspath(self.folder)}; {hint}"


def _load(environment: Environment, name: str) -> Template:
    """Read and compile a template, and those that it extends, includes or imports: jinja2 would do so with them on the
    event loop, while it renders. Runs in a thread.
    """
    from jinja2 import TemplateError, TemplateNotFound
    from jinja2.meta import find_referenced_templates

    if any(part in ("", ".", "..") for part in name.split("/")):
        # One name for each file: no more templates are kept than there are.
        raise TemplateNotFound(name)
    template = environment.get_template(name)
    assert environment.loader is not None
    seen, waiting = set[str](), [name]
    while waiting:
        current = waiting.pop()
        seen.add(current)
        # What is wrong with another one is an error where it is used, which tells more.
        with contextlib.suppress(TemplateError):
            environment.get_template(current)
            tree = environment.parse(environment.loader.get_source(environment, current)[0])
            waiting.extend(other for other in find_referenced_templates(tree) if other and other not in seen)
    return template


def _make_environment(folder: Path, *, reload: bool) -> Environment:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True, default_for_string=True),
        undefined=StrictUndefined,
        auto_reload=reload,
        # A line with nothing but a tag leaves no empty line behind.
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(_GLOBALS)
    return environment
