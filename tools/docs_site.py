"""Hooks of mkdocs for the documentation site: the API reference, links into the repository, the check of all links."""

from __future__ import annotations

import ast
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

SOURCE = Path(__file__).resolve().parents[1] / "src"

# The pages of the reference: the title, the module whose `__all__` it documents, and a sentence about it.
REFERENCE = {
    "emmett": ("emmett", "emmett", "The names that an application imports from `emmett`."),
    "channels": ("emmett.channels", "emmett.channels", "Publish once, reach every subscriber on every node."),
    "http": ("emmett.http", "emmett.http", "Requests, responses, cookies and bodies."),
    "sessions": ("emmett.sessions", "emmett.sessions", "What an application remembers of a visitor."),
    "security": ("emmett.security", "emmett.security", "Pipes that protect the visitors of an application."),
    "config": ("emmett.config", "emmett.config", "Settings: their types, defaults and bounds."),
    "errors": ("emmett.errors", "emmett.errors", "The error tree."),
    "testing": ("emmett.testing", "emmett.testing", "Clients, servers and connections in memory for tests."),
}


def public_names(module: str) -> list[str]:
    """Return what a module makes public: its `__all__`, or its classes and functions without an underscore.

    The source is read and not imported, so that optional dependencies need not be installed.

    Arguments:
        module: its dotted name.
    """
    path = SOURCE.joinpath(*module.split("."))
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]


def reference_page(title: str, module: str, about: str) -> str:
    """Return the Markdown of a page of the reference."""
    entries = (f"::: {module}.{name}" for name in public_names(module))
    return "\n\n".join([f"# {title}", about, *entries]) + "\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference, which is made from the docstrings."""
    lines = ["# API reference", "Made from the docstrings. The pages beside it show how the parts are used.", ""]
    for name, (title, module, about) in REFERENCE.items():
        files.append(File.generated(config, f"api/{name}.md", content=reference_page(title, module, about)))
        lines.append(f"- [{title}]({name}.md): {about}")
    files.append(File.generated(config, "api/index.md", content="\n".join(lines) + "\n"))
    for entry in config.nav or ():
        if isinstance(entry, dict) and "API reference" in entry:
            pages = [{title: f"api/{name}.md"} for name, (title, *_) in REFERENCE.items()]
            entry["API reference"] = ["api/index.md", *pages]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links that leave docs/ to the repository; where `repo_url` is not set, name the file instead.

    Raises:
        PluginError: a link leads to a file that does not exist.
    """

    def rewrite(found: re.Match[str]) -> str:
        text, target = found[1], found[2]
        path, _, fragment = target.partition("#")
        docs = Path(config.docs_dir)
        file = Path(os.path.normpath((docs / page.file.src_uri).parent / path))
        if not file.exists():
            raise PluginError(f"{page.file.src_uri} links to {target}, which does not exist")
        inside = file.relative_to(docs.parent).as_posix()
        if config.repo_url:
            return f"[{text}]({config.repo_url.rstrip('/')}/blob/main/{inside}{'#' + fragment if fragment else ''})"
        return text if text.strip("`") == inside else f"{text} (`{inside}`)"

    return re.sub(r"\[([^\]]+)\]\((\.\./[^)\s]+)\)", rewrite, markdown)


class _Links(HTMLParser):
    """Collects the links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in ("id", "name"):
                self.anchors.add(value)
            elif value and name in ("href", "src"):
                self.links.add(value)


def broken_links(site: Path) -> list[str]:
    """Return the links of a built site that lead nowhere, each with its page.

    Arguments:
        site: the folder of the site.
    """
    pages = {path: _Links(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    broken = []
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            known = pages.get(target)
            if not target.is_file() or (anchor and known is not None and anchor not in known.anchors):
                broken.append(f"{path.relative_to(site)}: {link}")
    return broken


def on_post_build(config: MkDocsConfig) -> None:
    """Fail when a link of the site leads nowhere.

    Raises:
        PluginError: with all such links.
    """
    broken = broken_links(Path(config.site_dir).resolve())
    if broken:
        raise PluginError("these links lead nowhere:\n" + "\n".join(broken))
