"""The default server."""

from .process import make_config, serve
from .serving import Server

__all__ = ["Server", "make_config", "serve"]
