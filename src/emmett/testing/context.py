"""The application's view of a request: `client.context`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..ctx import current_response, current_session
from ..datastructures import sdict
from ..dispatch.routes import RouteTable
from ..http.request import Request
from ..http.response import Response

Peer = tuple[str, int]


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The objects behind the handles of the same names when the response was made.

    Attributes:
        request: the request.
        response: the response of the running context; values that a handler returns take precedence over it.
        session: the session; None if no pipe loads one.
    """

    request: Request
    response: Response
    session: sdict[Any] | None


class Visit:
    """One request on its way through the application.

    Arguments:
        peer: the address that sends it.

    Attributes:
        context: the application's view of it; None until the response is made.
        task: the task that handles it; also None until then.
    """

    __slots__ = ("context", "peer", "task")

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.context: RequestContext | None = None
        self.task: asyncio.Task[Any] | None = None


class Visits:
    """Finds the application's view of requests under way.

    Arguments:
        table: the routes of the application; `on_request_end` is replaced while this is installed.
    """

    def __init__(self, table: RouteTable) -> None:
        self._table = table
        self._before: Callable[[Request], None] | None = None
        self._visits: dict[Peer, Visit] = {}

    def install(self) -> None:
        """Begin to listen; an earlier listener is still called."""
        self._before, self._table.on_request_end = self._table.on_request_end, self._note

    def remove(self) -> None:
        """Stop listening."""
        # A client that came later and is still installed calls this one, which no longer knows any request.
        if self._table.on_request_end == self._note:
            self._table.on_request_end = self._before
        self._visits.clear()

    def expect(self, peer: Peer) -> Visit:
        """Return the visit for the request that this address is going to send."""
        visit = self._visits[peer] = Visit(peer)
        return visit

    def forget(self, visit: Visit) -> None:
        """End a visit."""
        self._visits.pop(visit.peer, None)

    def _note(self, request: Request) -> None:
        visit = self._visits.get(request.client) if request.client is not None else None
        if visit is None and len(self._visits) == 1:
            # An application that trusts proxies has replaced the address.
            (visit,) = self._visits.values()
        response = current_response.get()
        if visit is not None and response is not None:
            visit.context = RequestContext(request, response, current_session.get())
            visit.task = asyncio.current_task()
        if self._before is not None:
            self._before(request)
