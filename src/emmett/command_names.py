"""The commands that emmett has; an application cannot add one with such a name."""

from __future__ import annotations

BUILT_IN_COMMANDS = (
    "develop",
    "serve",
    "routes",
    "shell",
    "publish",
    "schema",
    "client",
    "centrifuge",
    "doctor",
    "ps",
    "tail",
    "kick",
)
