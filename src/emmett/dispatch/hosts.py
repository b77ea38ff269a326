"""Refuse requests for hosts that are not served with 421, before the application runs (RFC 9110, 7.4)."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterable

from ..config import ServerSettings
from ..environment import DEVELOP
from ..errors import RequestError
from ..wire.fields import RawHeaders
from ..wire.hosts import AllowedHosts
from ..wire.request import find_host

logger = logging.getLogger("emmett.server")

# Wildcard addresses, on which a server is reached by all addresses of its machine.
_ANYWHERE = frozenset(("", "0.0.0.0", "::"))
# The maximum number of refused hosts to log, since peers choose them.
MAX_LOGGED_HOSTS = 1000
_logged: set[str] = set()


def allowed_hosts(settings: ServerSettings, bound: str | None = None) -> AllowedHosts | None:
    """Return the hosts that are served; `None` if all are.

    In development, the names of this machine and the address that the server listens on are always served, and no
    others unless the setting names them.

    Arguments:
        settings: contains the setting `allowed_hosts`.
        bound: the host or address that the server listens on; `None` if it is unknown.
    """
    developing = DEVELOP in os.environ
    entries = settings.allowed_hosts
    if entries is None and not developing:
        return None
    listed = () if entries is None else (entries,) if isinstance(entries, str) else tuple(entries)
    if not developing or bound is None:
        return _make(listed, developing, False)
    anywhere = bound in _ANYWHERE
    return _make(listed if anywhere else (*listed, bound), developing, anywhere)


@functools.lru_cache(16)
def _make(entries: tuple[str, ...], loopback: bool, addresses: bool) -> AllowedHosts:
    return AllowedHosts(entries, loopback=loopback, addresses=addresses)


def check_host(allowed: AllowedHosts, headers: Iterable[tuple[bytes, bytes]] | RawHeaders) -> None:
    """Refuse a request for a host that is not served. A request without Host passes: no page can send one.

    Arguments:
        allowed: the hosts that are served.
        headers: pairs of lower-case name and value.

    Raises:
        RequestError: with status 421. The first refusal of each host is logged.
    """
    host = find_host(list(headers))
    if host is None or allowed.allows(host):
        return
    if host not in _logged and len(_logged) < MAX_LOGGED_HOSTS:
        _logged.add(host)
        logger.warning("host %r is not served: add it to the setting server.allowed_hosts if it should be", host)
    raise RequestError(421, "the Host field names a host that is not served here")
