"""Claims of the documents outside of examples: tables of settings and options, commands, links."""

from __future__ import annotations

import ast
import re
import shlex
from urllib.parse import urlsplit

import click
import pytest

from emmett.cli.main import command_line
from emmett.cli.serve import serve
from emmett.command_names import BUILT_IN_COMMANDS
from emmett.config import Config, Settings
from tests.docs.pages import ROOT, Page, blocks, page, pages

every_page = pytest.mark.parametrize("each", pages(), ids=str)

UNITS = {"KiB": 1024, "MiB": 1024 * 1024, "s": 1.0}
# Tools of others; other tests run these commands, or they are plain shell.
OTHER_COMMANDS = {".", "cd", "granian", "hypercorn", "mkdir", "pip", "python3", "uvicorn"}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def value_of(text: str) -> object:
    """Read a default as the tables write it: 1 MiB, 10 s, 10,000, `None`, `"text"`."""
    number, _, unit = text.replace(",", "").partition(" ")
    if number.isdigit():
        return int(number) * UNITS[unit] if unit else int(number)
    return ast.literal_eval(text.strip("`"))


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("docs/websockets.md", Config().websocket),
        ("docs/requests.md", Config().http),
        ("docs/deployment.md", Config().server),
        ("docs/calls.md", Config().calls),
    ],
    ids=lambda value: value if isinstance(value, str) else value.section,
)
def test_settings_have_the_documented_defaults(name: str, section: Settings) -> None:
    rows = page(name).table("setting", "default", "what it bounds")
    documented = {setting.strip("`"): value_of(default) for setting, default, _ in rows}
    assert documented == {setting: getattr(section, setting) for setting in section._settings}


def test_the_options_of_serve_are_the_documented_ones() -> None:
    rows = page("docs/deployment.md").table("option", "default", "meaning")
    documented = {name: default.strip("`") for names, default, _ in rows for name in re.findall(r"`(--[\w-]+)`", names)}
    actual = {}
    for option in serve.params:
        assert isinstance(option, click.Option)
        default = option.to_info_dict()["default"]
        shown = "" if default is None else "on" if default is True else str(default)
        actual.update(dict.fromkeys([*option.opts, *option.secondary_opts], shown))
    assert documented == actual


def shell_lines() -> list[tuple[str, str]]:
    """Return every command of the documents, in blocks and between backquotes, with its place."""
    found = [(str(block), line) for block in blocks("sh") for line in block.text.splitlines() if line]
    for block in blocks("console"):
        found += [(str(block), line[2:]) for line in block.text.splitlines() if line.startswith("$ ")]
    for each in pages():
        found += [(str(each), code) for code in re.findall(r"`((?:emmett|make) [^`]+)`", each.prose)]
    return found


def words_of(line: str) -> list[str]:
    """Split a command into words, without variables that are set for it alone."""
    words = shlex.split(line)
    while re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    return words


@pytest.mark.parametrize(("place", "line"), [pytest.param(*each, id=each[1]) for each in dict.fromkeys(shell_lines())])
def test_every_documented_command_exists(place: str, line: str) -> None:
    name, *arguments = words_of(line)
    if name == "make":
        assert set(arguments) <= TARGETS, f"{place}: the Makefile has {sorted(TARGETS)}"
    elif name == "emmett":
        check_emmett(place, arguments)
    else:
        assert name in OTHER_COMMANDS | {"curl", "websockets"}, f"{place}: {name!r} is no command that the tests know"


def check_emmett(place: str, arguments: list[str]) -> None:
    if arguments[0] in ("-a", "--app"):
        arguments = arguments[2:]
    if arguments == ["--version"]:
        return
    assert arguments[0] in BUILT_IN_COMMANDS, f"{place}: emmett has the commands {BUILT_IN_COMMANDS}"
    command = command_line.get_command(click.Context(command_line), arguments[0])
    assert command is not None
    options = {name for option in command.params for name in [*option.opts, *option.secondary_opts]}
    given = {word for word in arguments[1:] if word.startswith("-")}
    assert given <= options, f"{place}: emmett {command.name} has the options {sorted(options)}"


@every_page
def test_links_have_targets(each: Page) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", each.prose):
        link = urlsplit(target)
        if link.scheme:
            assert link.scheme == "https", f"{each}: {target}"
            continue
        file = (each.path.parent / link.path).resolve() if link.path else each.path
        assert file.exists(), f"{each}: there is no {target}"
        if link.fragment:
            assert link.fragment in Page(file, file.read_text("utf-8")).anchors, f"{each}: nothing is called {target}"


def test_the_index_has_every_page() -> None:
    listed = set(re.findall(r"^- \[[^\]]+\]\(([a-z_]+\.md)\)", page("docs/README.md").text, re.MULTILINE))
    assert listed == {each.path.name for each in pages() if each.path.name != "README.md"}


@every_page
def test_a_page_begins_with_its_title(each: Page) -> None:
    assert each.text.startswith("# ")
    assert len(re.findall(r"^# ", each.prose, re.MULTILINE)) == 1
