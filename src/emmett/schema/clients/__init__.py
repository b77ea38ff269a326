"""Clients of an application's calls, generated from its description."""

from .python import render_python
from .typescript import render_centrifuge, render_typescript

__all__ = ["render_centrifuge", "render_python", "render_typescript"]
