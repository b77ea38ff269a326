"""Look inside a running service: its connections, channels and nodes, from a page and from the terminal."""

from .inspector import Inspector

__all__ = ["Inspector"]
