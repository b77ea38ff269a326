"""`emmett shell`: Python with the application at hand."""

from __future__ import annotations

import sys
from typing import Any

import click

from .discovery import Selection
from .targets import Application

NAMES = ("request", "response", "session", "websocket", "url")


@click.command()
@click.pass_obj
def shell(selection: Selection) -> None:
    """Start Python with the application at hand, or execute code from stdin."""
    import code

    import emmett

    application = selection.load()
    namespace = {
        "__name__": "__main__",
        "app": application.app,
        **{name: getattr(emmett, name) for name in NAMES},
    }
    if sys.stdin.isatty():
        _complete_names(namespace)
        code.interact(banner=_banner(application), local=namespace, exitmsg="")
    else:
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), namespace)


def _banner(application: Application) -> str:
    return (
        f"Python {sys.version.split()[0]}, {application.import_string}\n"
        f"At hand: app, {', '.join(NAMES)}. Leave with exit() or Ctrl+D."
    )


def _complete_names(namespace: dict[str, Any]) -> None:
    """Let the tab key complete names, if Python was built with readline."""
    try:
        import readline
        import rlcompleter
    except ImportError:
        return
    readline.set_completer(rlcompleter.Completer(namespace).complete)
    readline.parse_and_bind("tab: complete")
