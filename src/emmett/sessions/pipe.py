"""`SessionPipe`: loads the session of a visitor, saves what a handler changed, and knows how to end it."""

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
    """What a pipe knows of one running session.

    Attributes:
        pipe: the pipe that loaded it.
        outer: the session that was there before, of another pipe.
        record: how it was kept; None when it was not.
        passed: whether the pipe is at work already; it may be in a pipeline twice.
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
    """The pipe that loads and saves `emmett.session`. `SessionManager` makes it.

    One pipe holds what belongs together: keep it in a variable, put it into the pipeline, and call `renew`, `end` and
    `close_websockets` on it.

    Arguments:
        cookie: how the cookie is sent.
        keeper: what keeps the sessions between requests.
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
            UsageError: what runs here has not passed this pipe.
        """
        session = self._find(current_session.get())
        if session is None:
            raise UsageError("this session pipe is not in the pipeline of what is running, or nothing is")
        return session

    async def renew(self) -> None:
        """Give the running session a new id, as every login should: one that was planted in a browser is then useless.

        The values stay, but those whose names begin with an underscore, which pipes such as `CSRF` keep for one id; the
        visitor's open websockets remain his. On the server the old id is dead at once, and
        what other requests that run meanwhile change in the session is lost. Call it before you write to the session:
        if the session was ended meanwhile, by a logout in another tab, it is empty afterwards. A visitor without a
        session gets a new id anyway.

        Raises:
            UsageError: outside of a request that has passed this pipe, or when the handler has returned.
            StoreUnavailable: the store does not answer; the handler ends with 503.
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
        """End the running session, as a logout does.

        It is empty afterwards, its cookie is deleted, the store forgets it, and the websockets that were opened with it
        are closed: in this process, and on all nodes after `connect`. Those of this process that do not read are not
        waited for longer than a second; while the broker is away, the other nodes learn of it when it is back.

        Arguments:
            code: the close code that these websockets get (RFC 6455, 7.4).
            reason: the reason that they get.

        Raises:
            UsageError: outside of a request that has passed this pipe, or when the handler has returned.
            ValueError: the code or the reason cannot be sent; nothing was done.
            StoreUnavailable: the store does not answer; the handler ends with 503, the session has not ended.
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
        """Let logouts, and `close_websockets` with values, reach the websockets of all nodes.

        Call it before the application starts. From then on, a handshake with a session waits up to ten seconds after
        the start until this node hears the others, and is refused with 503 if it does not.

        Arguments:
            app: the application.
            channels: its channels, with a broker that all nodes use.

        Raises:
            UsageError: the sessions are connected already.
        """
        self._live.connect(app, channels, self._cookie.name)

    async def close_websockets(
        self,
        matches: Callable[[Session], object] | Mapping[str, Any],
        code: int = CloseCode.POLICY_VIOLATION,
        reason: str = "logged out",
    ) -> int:
        """Close the websockets of certain sessions. Any task may call it. No session ends by it.

        Arguments:
            matches: the values of these sessions, such as `{"user": "ann"}`, as they were at the handshakes; after
                `connect` this reaches all nodes. Or a function of the session, for the websockets of this process.
            code: the close code that they get (RFC 6455, 7.4).
            reason: the reason that they get.

        Returns:
            How many there were in this process.

        Raises:
            UsageError: there are no values, or JSON cannot express them.
            ValueError: the code or the reason cannot be sent.
        """
        check_to_send(code, reason)
        return await self._live.close_matching(matches, int(code), reason)

    async def shutdown(self) -> None:
        """Close the connections to the store: `app.on_shutdown(sessions.shutdown)`. A later use makes new ones."""
        await self._keeper.shutdown()

    # The session is loaded by the open hooks, so that those of the pipes after this one can read it.

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
            # An answer that the handler chose, such as the redirect after a login, drops no changes. In a task group it
            # comes as a group.
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
            # Any answer of a handler with a session may depend on it (RFC 9110, 12.5.5).
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
        # The session may have been ended while it was loaded, which has refused the handshake.
        return None if current_websocket.get().closed else await next_pipe(**kwargs)

    def close_ws(self) -> None:
        self._live.closed(current_websocket.get())

    def _enter(self, record: Record | None, outer: object) -> Session:
        session = Session(record.values if record else (), visit=_Visit(self, outer, record))
        current_session.set(session)
        return session

    def _find(self, session: object) -> Session | None:
        """Return the session that this pipe loaded: the given one, or one that was there before it."""
        while isinstance(session, Session):
            visit: _Visit = visit_of(session)
            if visit.pipe is self:
                return session
            if visit.pipe._cookie.name == self._cookie.name:
                raise UsageError(
                    f"two session pipes in one pipeline use the cookie {self._cookie.name!r}: use one pipe, or give "
                    "each a cookie_name of its own"
                )
            session = visit.outer
        return None

    def _claim(self, cookies: SimpleCookie) -> Claim | None:
        token = self._cookie.read(cookies)
        if not token:
            return None
        claim = self._keeper.identify(token)
        if claim is None:
            logger.debug("a cookie %s is no session: expired, of another key, or tampered with", self._cookie.name)
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
            # A visitor of whom nothing is known gets no cookie.
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
            logger.debug("a session had ended when a request wanted to save it; its changes are dropped")
            return
        if record is not None:
            await self._live.extended(visit.record)
        self._send(visit, response)

    def _is_due(self, record: Record) -> bool:
        """Whether half of the session's time has passed, or it should be saved again."""
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
