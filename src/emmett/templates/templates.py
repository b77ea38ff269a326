"""`Templates`: the templates in a folder, rendered by jinja2."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..ctx import request, response, session
from ..errors import ConfigurationError
from ..http.markup import Markup
from ..urls import url
from .finding import is_html, template_path

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_MISSING = "templates need jinja2, which is not installed: pip install jinja2"


class Templates:
    """The templates of an application.

    Their output is escaped, except in templates whose names end with `.txt`. Using an undefined name is an error that
    states the template and the line, since no test would find a page with a gap.

    Arguments:
        folder: the folder of the templates, which need not exist while no template is used.
        reload: returns whether to check the files for changes on each use, as in development.
    """

    def __init__(self, folder: Path, *, reload: Callable[[], bool] = lambda: False) -> None:
        self.folder = folder
        self._reload = reload
        self._environment: Environment | None = None
        # The templates used so far, by name.
        self._loaded: dict[str, Template] = {}
        # The template of each route; None if it has none.
        self._names: dict[str, str | None] = {}

    @property
    def environment(self) -> Environment:
        """The jinja2 environment: `app.templates.environment.filters["money"] = format_money`.

        Raises:
            ConfigurationError: jinja2 is not installed.
        """
        if self._environment is None:
            self._environment = _make_environment(self.folder, reload=self._reload())
        return self._environment

    @property
    def reloads(self) -> bool:
        """Whether the files are checked for changes on each use."""
        return self._reload()

    def find(self, route: str) -> str | None:
        """Return the name of a route's template; None if there is none, or jinja2 is not installed.

        Arguments:
            route: the full name of the route: `index` has `index.html`, `blog.post` has `blog/post.html`.
        """
        if route not in self._names or self._reload():
            name = template_path(route)
            is_there = find_spec("jinja2") is not None and (self.folder / name).is_file()
            self._names[route] = name if is_there else None
        return self._names[route]

    async def render(self, name: str, values: Mapping[str, Any]) -> str:
        """Return a template rendered with values. If its suffix is that of HTML, a response with it is `text/html`.

        On first use, the template and those that it refers to are read and compiled in a thread. Rendering runs on the
        event loop, so everything it shows must already be in `values`.

        Arguments:
            name: the path below the folder, with `/` between its parts.
            values: the variables of the template, besides `request`, `response`, `session`, `url`, `csrf_token`,
                `csrf_field` and `csp_nonce`.

        Raises:
            ConfigurationError: the template, or one that it extends or includes, does not exist; or no jinja2.
            jinja2.TemplateError: the template is invalid, or uses an undefined name.
        """
        environment = self.environment
        from jinja2 import TemplateNotFound

        try:
            template = self._loaded.get(name)
            if template is None or (self._reload() and not template.is_up_to_date):
                template = self._loaded[name] = await asyncio.to_thread(_load, environment, name)
            page = template.render(values)
        except TemplateNotFound as error:
            # The cause shows which template refers to it.
            raise ConfigurationError(
                await asyncio.to_thread(self._describe_missing, str(error.name or name))
            ) from error
        return Markup(page) if is_html(name) else page

    def _describe_missing(self, name: str) -> str:
        names = self.environment.list_templates()
        from difflib import get_close_matches

        close = get_close_matches(name, names, n=3)
        hint = f"did you mean {', '.join(map(repr, close))}?" if close else f"there are {len(names)} templates"
        return f"there is no template {name!r} in {os.fspath(self.folder)}; {hint}"


def _load(environment: Environment, name: str) -> Template:
    """Read and compile a template, and those that it extends, includes or imports. jinja2 would otherwise do so on the
    event loop while it renders. Runs in a thread.
    """
    from jinja2 import TemplateError, TemplateNotFound
    from jinja2.meta import find_referenced_templates

    if any(part in ("", ".", "..") for part in name.split("/")):
        # Only one name for each file, so that no more templates are cached than exist.
        raise TemplateNotFound(name)
    template = environment.get_template(name)
    assert environment.loader is not None
    seen, waiting = set[str](), [name]
    while waiting:
        current = waiting.pop()
        seen.add(current)
        # An error in another template is raised where it is used, which gives more detail.
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
    from ..security import csp_nonce, csrf_field, csrf_token

    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True, default_for_string=True),
        undefined=StrictUndefined,
        auto_reload=reload,
        # A line with only a tag produces no empty line.
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Available in every template besides the values passed to it.
    environment.globals.update(
        csp_nonce=csp_nonce,
        csrf_field=csrf_field,
        csrf_token=csrf_token,
        request=request,
        response=response,
        session=session,
        url=url,
    )
    return environment
