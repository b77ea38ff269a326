"""Installation instructions in pages and messages: their packages exist, and are those that emmett supports."""

from __future__ import annotations

import re
import tomllib

from tests.imports import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
FILES = [
    *(ROOT.glob("*.md")),
    *(
        path
        for folder in ("docs", "examples", "src")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".md", ".py"}
    ),
]


def known() -> set[str]:
    """Return the required and optional dependencies of emmett."""
    optional = PROJECT["optional-dependencies"].values()
    requirements = [*PROJECT["dependencies"], *(each for extra in optional for each in extra)]
    return {re.split("[<>=;]", each)[0].strip() for each in requirements}


def test_no_page_asks_for_extras_of_the_other_emmett() -> None:
    """The `emmett` that pip finds is not this one."""
    assert [path for path in FILES if "emmett[" in path.read_text("utf-8")] == []


def test_packages_to_install_are_those_that_emmett_supports() -> None:
    text = "\n".join(path.read_text("utf-8") for path in FILES)
    commands = [re.split(r"""["'] *['"]*\)|[{|]|: """, line)[0] for line in re.findall(r"pip install ([^\n`]+)", text)]
    package = re.compile(r"(?<![\w./-])[A-Za-z][A-Za-z0-9-]+(?:\[[a-z]+\])?(?![\w./])")
    named = {name for command in commands for name in package.findall(command)}
    assert {"redis[hiredis]", "nats-py", "jinja2", "isal"} <= named
    assert named <= known() | {"redis"}
