"""The default server."""

from .process import Server, make_config, serve

__all__ = ["Server", "make_config", "serve"]
