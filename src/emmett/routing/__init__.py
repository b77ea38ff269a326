"""Routing: from paths to endpoints, and from names to URLs."""

from .patterns import PathPattern
from .router import Match, Router
from .urls import UrlBuilder
from .variables import Variable

__all__ = ["Match", "PathPattern", "Router", "UrlBuilder", "Variable"]
