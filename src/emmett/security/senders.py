"""Which page has sent a request: one of the application, or one of another site."""

from __future__ import annotations

from ..http.request import Request
from ..wire.origin import OriginPolicy

# Values of Sec-Fetch-Site for the application's own pages and for direct navigation.
_OURS = frozenset(("same-origin", "none"))


def comes_from_elsewhere(request: Request, policy: OriginPolicy) -> bool:
    """Return whether a request comes from a page that may not send it, as browsers report. Programs report nothing.

    Arguments:
        request: the request.
        policy: the origins whose pages may.
    """
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site")
    if origin is not None and policy.allows(origin, scheme=request.scheme, host=request.host):
        return False
    if origin not in (None, "null"):
        return True
    # Browsers omit Origin from some requests, and send "null" for pages with the referrer policy no-referrer, even to
    # their own site. No page can choose Sec-Fetch-Site; programs send neither.
    return not (site in _OURS or (site is None and origin is None))
