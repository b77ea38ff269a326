"""The answer to a request whose handler raised: the application's page for the status, or a plain one."""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Iterable
from http import HTTPStatus

from ..errors import HTTPException, RequestError
from ..http.render import render
from ..http.request import Request
from ..http.response import Response
from ..http.vary import add_vary
from ..logs import log_fields
from ..pipeline.groups import find_answer, is_failure
from .routes import RouteTable

logger = logging.getLogger("emmett.request")

_TEXT = "text/plain; charset=utf-8"
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


async def answer_error(table: RouteTable, request: Request, response: Response, error: BaseException) -> Response:
    """Return the answer to a request that ended with an exception. A failure is logged and answered with 500.

    Arguments:
        table: the routes and error pages of the application.
        request: the request.
        response: the response of the current request.
        error: the exception that was raised, alone or in a group.
    """
    answer = find_answer(error, (HTTPException, RequestError))
    try:
        if isinstance(answer, HTTPException):
            if answer.body:
                # The handler's own body takes precedence over the page for its status.
                return _plain_response(response, answer.status, answer.body, answer.fields)
            return await _error_response(table, response, answer.status, "", answer.fields)
        if isinstance(answer, RequestError):
            headers = answer.headers.items()
            return await _error_response(table, response, answer.status, answer.message, headers, answer.content_type)
    except ValueError:
        logger.exception(
            "%s %r cannot be answered as requested", request.method, request.path, extra=_fields_of(request)
        )
        request.failure = error
    else:
        request.failure = error
        logger.error("%s %r failed", request.method, request.path, exc_info=error, extra=_fields_of(request))
        if table.explain_error is not None and "text/html" in request.headers.get("accept", ""):
            response.content_type = "text/html; charset=utf-8"
            response.status = 500
            return render(table.explain_error(error, f"{request.method} {request.path}"), response)
    return await _error_response(table, response, 500, "", ())


def _fields_of(request: Request) -> dict[str, object]:
    return log_fields(client=request.client, method=request.method, path=request.path, status=500)


async def _error_response(
    table: RouteTable,
    response: Response,
    status: int,
    body: str,
    headers: Iterable[tuple[str, str]],
    content_type: str = _TEXT,
) -> Response:
    """Render the application's page for an error, or a plain one."""
    page = table.error_pages.get(status)
    if page is not None:
        response.status = status
        # The failed handler set the type for its own body.
        response.body = b""
        response.content_type = None
        _set_headers(response, headers)
        try:
            result = page()
            if inspect.isawaitable(result):
                result = await result
            if isinstance(result, Response):
                # Many requests may share it.
                result = copy.copy(result)
                result.status = status
            return render(result, response)
        except BaseException as error:
            if not is_failure(error):
                raise
            answer = find_answer(error, (HTTPException,))
            if isinstance(answer, HTTPException):
                # The page redirects elsewhere, for example to the login.
                return _plain_response(response, answer.status, answer.body, answer.fields)
            logger.error("the error page for %d failed", status, exc_info=error)
    return _plain_response(response, status, body, headers, content_type)


def _plain_response(
    response: Response,
    status: int,
    body: str | bytes,
    headers: Iterable[tuple[str, str]],
    content_type: str = _TEXT,
) -> Response:
    response.status = status
    if not body and status >= 400:
        body = _PHRASES.get(status, f"status {status}")
    if body:
        response.content_type = content_type
    _set_headers(response, headers)
    return render(body, response)


def _set_headers(response: Response, headers: Iterable[tuple[str, str]]) -> None:
    """Set the fields of an error on a response. Vary keeps the names that the pipes have added."""
    varying = response.headers.get("vary", "")
    response.headers.extend(headers)
    add_vary(response.headers, varying)
