"""`SessionPipe`: loads the session of a visitor, saves the changes of a handler, and ends sessions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http.cookies import SimpleCookie
from typing import Any

from ..ctx import current_request, current_response, current_session, current_websocket
from ..errors import HTTPException, RequestError, UsageError
from ..http.response import Response
from ..http.vary import add_vary
from ..pipeline.groups import find_answer
from ..pipeline.pipe import NextPipe, Pipe
from ..wire.close import CloseCode, check_to_send
from .caching import forbid_storing, forbid_storing_error, forbid_storing_result
from .cookie import SessionCookie
from .encoding import check, encode
from .live import LiveSessions
from .nodes import ChannelsOfSessions, HostOfSessions
from .ports import Claim, Keeper, Record, StoreUnavailable
from .session import IN_WEBSOCKET, SAVED, Session, lock, visit_of

logger = logging.getLogger("emmett.session")


class _Visit:
    """The state of a running session in a pipe.

    Attributes:
        pipe: the pipe that loaded it.
        outer: the session of another pipe, which this one replaced.
        record: the stored session; None for a new one.
        passed: whether the pipe is already active; it may be in a pipeline twice.
        sets_cookie: whether the response sets or deletes its cookie.
    """

    __slots__ = ("outer", "passed", "pipe", "record", "sets_cookie")

    def __init__(self, pipe: SessionPipe, outer: object, record: Record | None) -> None:
        self.pipe = pipe
        self.outer = outer
        self.record = record
        self.passed = False
        self.sets_cookie = False


class SessionPipe(Pipe):
    """The pipe that loads and saves `emmett.session`, created by `SessionManager`.

    Keep it in a variable, put it into the pipeline, and call its methods `renew`, `end` and `close_websockets`.

    Arguments:
        cookie: the attributes of the cookie.
        keeper: keeps the sessions between requests.
        clock: returns the seconds since the epoch.
        close_expired: whether websockets are closed, with 4401, when their session has expired.
    """

    def __init__(
        self, cookie: SessionCookie, keeper: Keeper, clock: Callable[[], float], *, close_expired: bool = False
    ) -> None:
        self._cookie = cookie
        self._keeper = keeper
        self._clock = clock
        self._live = LiveSessions(keeper, clock, close_expired=close_expired)
        self._warned = False

    @property
    def current(self) -> Session:
        """The running session of this pipe: `emmett.session`, unless another session pipe follows this one.

        Raises:
            UsageError: the running code has not passed this pipe.
        """
        session = self._find(current_session.get())
        if session is None:
            raise UsageError("no request or websocket with this session pipe in its pipeline is running here")
        return session

    async def renew(self) -> None:
        """Give the running session a new id, as every login should, so that an id planted in the browser is useless.

        The values stay, except for those whose names begin with an underscore, which pipes such as `CSRF` keep for one
        id. Open websockets stay with the session. On the server the old id is invalid at once, and changes that other
        requests make to the session at the same time are lost. Call it before you write to the session: if the session
        has been ended in the meantime, by a logout in another tab, it is empty afterwards. A visitor without a session
        gets a new id anyway.

        Raises:
            UsageError: outside of a request that has passed this pipe, or after the handler has returned.
            StoreUnavailable: the store does not answer; the request is answered with 503.
        """
        session, visit, response = self._running("renew")
        for name in [name for name in session if name.startswith("_")]:
            del session[name]
        record, visit.record = visit.record, None
        if record is None:
            return
        if not await self._keeper.delete(record):
            Session.clear(session)
            return
        visit.record = await self._keeper.create(record.data)
        await self._live.moved(record.id, visit.record)
        self._send(visit, response)

    async def end(self, code: int = CloseCode.POLICY_VIOLATION, reason: str = "logged out") -> None:
        """End the running session, for a logout.

        It is empty afterwards, its cookie and its stored values are deleted, and the websockets that were opened with
        it are closed: in this process, and after `connect` on all nodes. This waits for websockets of this process that
        do not read for at most a second. While the broker is unavailable, the announcement to other nodes waits.

        Arguments:
            code: the close code for these websockets (RFC 6455, 7.4).
            reason: the reason for these websockets.

        Raises:
            UsageError: outside of a request that has passed this pipe, or after the handler has returned.
            ValueError: the code or the reason cannot be sent; nothing was done.
            StoreUnavailable: the store does not answer; the request is answered with 503, and the session continues.
        """
        check_to_send(code, reason)
        session, visit, response = self._running("end")
        if visit.record is not None:
            await self._keeper.delete(visit.record)
        record, visit.record = visit.record, None
        Session.clear(session)
        self._delete_cookie(visit, response)
        if record is not None:
            await self._live.ended(record.id, int(code), reason)

    def connect(self, app: HostOfSessions, channels: ChannelsOfSessions) -> None:
        """Let logouts, and `close_websockets` with values, close websockets on all nodes.

        Call it before the application starts. A handshake with a session then waits up to ten seconds until this node
        can receive the announcements of others, and is refused with 503 if it cannot.

        Arguments:
            app: the application.
            channels: its channels, with a broker that all nodes use.

        Raises:
            UsageError: the sessions are already connected.
        """
        self._live.connect(app, channels, self._cookie.name)

    async def close_websockets(
        self,
        matches: Callable[[Session], object] | Mapping[str, Any],
        code: int = CloseCode.POLICY_VIOLATION,
        reason: str = "logged out",
    ) -> int:
        """Close the websockets of certain sessions, without ending the sessions. Any task may call it.

        Arguments:
            matches: the values of these sessions at their handshakes, such as `{"user": "ann"}`, which after `connect`
                reaches all nodes; or a function of the session, for the websockets of this process.
            code: the close code for these websockets (RFC 6455, 7.4).
            reason: the reason for these websockets.

        Returns:
            The number of closed websockets in this process.

        Raises:
            UsageError: there are no values, or JSON cannot express them.
            ValueError: the code or the reason cannot be sent.
        """
        check_to_send(code, reason)
        return await self._live.close_matching(matches, int(code), reason)

    async def shutdown(self) -> None:
        """Close the connections to the store: `app.on_shutdown(sessions.shutdown)`. A later use opens new ones."""
        await self._keeper.shutdown()

    # The open hooks load the session, so that those of later pipes can read it.

    async def open_request(self) -> None:
        request, outer = current_request.get(), current_session.get()
        assert request is not None
        if self._find(outer) is None:
            claim = self._claim(request.cookies)
            self._enter(None if claim is None else await self._keeper.load(claim), outer)

    async def pipe_request(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        session, response = self._find(current_session.get()), current_response.get()
        visit: _Visit | None = visit_of(session)
        if session is None or response is None or visit is None or visit.passed:
            return await next_pipe(**kwargs)
        visit.passed = True
        try:
            result = await next_pipe(**kwargs)
            await self._save(session, visit, response)
            return forbid_storing_result(result) if visit.sets_cookie else result
        except Exception as error:
            # An answer that the handler raised, such as the redirect after a login, keeps the changes. A task group
            # raises it in an exception group.
            answer = find_answer(error, (HTTPException, RequestError))
            if isinstance(answer, HTTPException) and not isinstance(answer, StoreUnavailable):
                await self._save(session, visit, response)
                if visit.sets_cookie:
                    forbid_storing_error(answer)
            raise
        finally:
            lock(session, SAVED)

    def close_request(self) -> None:
        session, response = self._find(current_session.get()), current_response.get()
        if session is not None and response is not None:
            lock(session, SAVED)
            # Every answer of a handler with a session may depend on the session (RFC 9110, 12.5.5).
            add_vary(response.headers, "Cookie")
            if visit_of(session).sets_cookie:
                forbid_storing(response.headers)

    async def open_ws(self) -> None:
        websocket, outer = current_websocket.get(), current_session.get()
        if self._find(outer) is not None:
            return
        claim = self._claim(websocket.cookies)
        await self._live.opening(websocket, None if claim is None else claim.id)
        try:
            record = None if claim is None else await self._keeper.load(claim)
        except BaseException:
            self._live.closed(websocket)
            raise
        session = self._enter(record, outer)
        lock(session, IN_WEBSOCKET)
        self._live.opened(websocket, session, record)

    async def pipe_ws(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        # The session may have ended while it was being loaded, which refused the handshake.
        return None if current_websocket.get().closed else await next_pipe(**kwargs)

    def close_ws(self) -> None:
        self._live.closed(current_websocket.get())

    def _enter(self, record: Record | None, outer: object) -> Session:
        session = Session(record.values if record else (), visit=_Visit(self, outer, record))
        current_session.set(session)
        return session

    def _find(self, session: object) -> Session | None:
        """Return the session that this pipe loaded: the given one, or one that it replaced."""
        while isinstance(session, Session):
            visit: _Visit = visit_of(session)
            if visit.pipe is self:
                return session
            if visit.pipe._cookie.name == self._cookie.name:
                raise UsageError(
                    f"two session pipes in one pipeline use the cookie {self._cookie.name!r}: use one pipe, or give "
                    "each its own cookie_name"
                )
            session = visit.outer
        return None

    def _claim(self, cookies: SimpleCookie) -> Claim | None:
        token = self._cookie.read(cookies)
        if not token:
            return None
        claim = self._keeper.identify(token)
        if claim is None:
            logger.debug(
                "the cookie %s is not a session: it has expired, has another key, or was tampered with",
                self._cookie.name,
            )
        return claim

    def _running(self, name: str) -> tuple[Session, _Visit, Response]:
        session, response = self.current, current_response.get()
        if response is None:
            raise UsageError(f"{name}() needs a request: a websocket cannot set a cookie")
        if session._locked is not None:
            raise UsageError(session._locked)
        return session, visit_of(session), response

    async def _save(self, session: Session, visit: _Visit, response: Response) -> None:
        data = encode(session)
        record = visit.record
        if not session:
            # A visitor with an empty session gets no cookie.
            if record is not None:
                await self._keeper.delete(record)
                self._delete_cookie(visit, response)
            return
        if record is None or data != record.data:
            check(session, data)
        elif not self._is_due(record):
            return
        visit.record = await (self._keeper.create(data) if record is None else self._keeper.replace(record, data))
        if visit.record is None:
            logger.debug("changes of a session were dropped, because it had ended when a request saved it")
            return
        if record is not None:
            await self._live.extended(visit.record)
        self._send(visit, response)

    def _is_due(self, record: Record) -> bool:
        """Return whether half of the session's lifetime has passed, or it should be saved again for another reason."""
        return record.stale or record.expires - self._clock() < self._cookie.expire / 2

    def _send(self, visit: _Visit, response: Response) -> None:
        assert visit.record is not None
        self._cookie.set(response, visit.record.token)
        visit.sets_cookie = True
        request = current_request.get()
        if not self._warned and request is not None and request.scheme == "https" and not self._cookie.secure:
            self._warned = True
            logger.warning(
                "the session cookie %s was set over https without Secure: pass secure=True", self._cookie.name
            )

    def _delete_cookie(self, visit: _Visit, response: Response) -> None:
        self._cookie.delete(response)
        visit.sets_cookie = True
