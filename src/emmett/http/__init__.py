"""HTTP as an application sees it: requests, responses, cookies, static files. Independent of any server."""

from typing import TYPE_CHECKING

from ..lazy import import_later
from .abort import abort, redirect
from .body import Body
from .headers import MutableHeaders
from .query import parse_query
from .render import encode_json, render
from .request import Request
from .response import Response
from .stream import BodyStream

if TYPE_CHECKING:
    from .cookies import ResponseCookies, parse_cookies
    from .static_files import StaticFiles
    from .uploads import UploadedFile

__all__ = [
    "Body",
    "BodyStream",
    "MutableHeaders",
    "Request",
    "Response",
    "ResponseCookies",
    "StaticFiles",
    "UploadedFile",
    "abort",
    "encode_json",
    "parse_cookies",
    "parse_query",
    "redirect",
    "render",
]

# What few requests need.
__getattr__, __dir__ = import_later(
    __name__,
    __all__,
    ResponseCookies=".cookies",
    StaticFiles=".static_files",
    UploadedFile=".uploads",
    parse_cookies=".cookies",
)
