"""The documentation site: it builds in strict mode, documents every public name, and has no broken link."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import emmett
from tests.docs.pages import DOCS, ROOT
from tools.docs_site import broken_links, on_page_markdown, public_names

BUILD = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]


def build(site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*BUILD, "--config-file", str(ROOT / "mkdocs.yml"), "--site-dir", str(site)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=110,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = build(folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_the_site_has_every_page(site: Path) -> None:
    pages = {path.stem for path in site.glob("*.html")} - {"404"}
    assert pages == {path.stem for path in DOCS.glob("*.md")} - {"README"} | {"index"}


def test_the_reference_documents_every_public_name(site: Path) -> None:
    reference = (site / "api" / "emmett.html").read_text("utf-8")
    assert [name for name in emmett.__all__ if f'id="emmett.{name}"' not in reference] == []


def test_the_search_finds_pages_and_names(site: Path) -> None:
    entries = json.loads((site / "search" / "search_index.json").read_text("utf-8"))["docs"]
    places = {entry["location"] for entry in entries}
    assert {"websockets.html", "api/emmett.html#emmett.App"} <= places


def test_nothing_is_loaded_from_other_sites(site: Path) -> None:
    front = (site / "index.html").read_text("utf-8")
    assert 'src="http' not in front
    assert "fonts.googleapis" not in front


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("other.html", False),
        ("other.html#here", False),
        ("other.html#gone", True),
        ("gone.html", True),
        ("#gone", True),
        ("https://example.com/gone", False),
    ],
)
def test_a_broken_link_is_found(link: str, is_broken: bool, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f'<a href="{link}">link</a>', "utf-8")
    (tmp_path / "other.html").write_text('<h2 id="here">Here</h2>', "utf-8")
    assert broken_links(tmp_path) == ([f"page.html: {link}"] if is_broken else [])


def rewritten(markdown: str, repo_url: str | None = None) -> str:
    config = MkDocsConfig(str(ROOT / "mkdocs.yml"))
    config.load_dict({"docs_dir": str(DOCS), "repo_url": repo_url})
    file = File("versions.md", str(DOCS), "", use_directory_urls=False)
    return on_page_markdown(markdown, Page(None, file, config), config, Files([file]))


def test_a_link_outside_the_docs_names_the_file_or_points_to_the_repository() -> None:
    assert rewritten("[chat](../examples/chat/README.md#run)") == "chat (`examples/chat/README.md`)"
    assert rewritten("[SECURITY.md](../SECURITY.md)") == "SECURITY.md"
    assert rewritten("[x](../SECURITY.md#y)", "https://git.test/x") == "[x](https://git.test/x/blob/main/SECURITY.md#y)"
    with pytest.raises(PluginError, match=r"versions\.md links to \.\./nowhere\.py"):
        rewritten("[broken](../nowhere.py)")


def test_a_page_of_the_reference_lists_what_is_exported() -> None:
    assert set(public_names("emmett")) == set(emmett.__all__)
    assert "WebsocketClosed" in public_names("emmett.errors")
