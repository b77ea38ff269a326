"""HTTP as an application sees it: requests, responses, cookies, static files. Independent of any server."""

from .abort import abort, redirect
from .body import Body
from .cookies import ResponseCookies, parse_cookies
from .headers import MutableHeaders
from .query import parse_query
from .render import encode_json, render
from .request import Request
from .response import Response
from .static_files import StaticFiles
from .stream import BodyStream
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
