"""`UrlBuilder`: builds URLs from the names of routes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from emmett.errors import ConfigurationError

from .building import SEGMENT_CHARACTERS, quote_path, show_value
from .hosts import check_authority, check_hostname, split_host
from .patterns import PathPattern
from .variables import format_text

# The characters that RFC 3986, 3.5 allows in a fragment besides letters, digits and "-._~".
_FRAGMENT_CHARACTERS = SEGMENT_CHARACTERS + "/?"

_LONE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


class _Target(NamedTuple):
    pattern: PathPattern
    hostname: str | None


class UrlBuilder:
    """Builds URLs of named routes.

    Arguments:
        schemes: the plain scheme and the secure one: `("http", "https")` or `("ws", "wss")`.
    """

    def __init__(self, schemes: tuple[str, str]) -> None:
        self._schemes = schemes
        self._targets: dict[str, _Target] = {}

    def add(self, name: str, pattern: PathPattern, hostname: str | None = None) -> None:
        """Register a name for a path.

        Arguments:
            name: the full name, such as `index` or `blog.index`.
            pattern: the path.
            hostname: the host of the route; its URLs are absolute in requests to other hosts.

        Raises:
            ConfigurationError: the name is taken or not allowed.
        """
        if not name or name.startswith(("/", ".")):
            raise ConfigurationError(
                f"route name {name!r} is not allowed; it must not be empty nor start with a slash or a dot"
            )
        if name in self._targets:
            raise ConfigurationError(
                f"route name {name!r} is taken by path {self._targets[name].pattern.source!r}; "
                f"give path {pattern.source!r} another name with name="
            )
        self._targets[name] = _Target(pattern, None if hostname is None else check_hostname(hostname))

    def build(
        self,
        target: str,
        args: object = None,
        params: Mapping[str, object] | None = None,
        anchor: str | None = None,
        scheme: str | bool | None = None,
        host: str | None = None,
        *,
        module: str | None = None,
        current_host: str | None = None,
        current_scheme: str | None = None,
        root_path: str = "",
    ) -> str:
        """Return a URL: a path, or an absolute URL if a scheme, a host or the route's own hostname requires one.

        Arguments:
            target: the name of a route; with a leading dot, the name of a route in `module`; or a path, which starts
                with `/` and gets the arguments as further segments.
            args: the value of the path's only variable, or a list or tuple of values; `None` in a list leaves out an
                optional part.
            params: the query parameters; a list repeats its name, `None` is left out.
            anchor: the fragment after `#`.
            scheme: one of the builder's schemes, or `True` for the current one.
            host: a host name, optionally with a port.
            module: the current module; `None` or empty for the application itself.
            current_host: the Host header of the current request. It completes a URL with a scheme but no host.
            current_scheme: the scheme of the current request or websocket. It selects the plain or the secure scheme
                if none is given. Without it, the plain one is selected.
            root_path: the path below which the application is mounted, percent-decoded and without a trailing slash.
                The URL begins with it, unless `target` is a path and the host is given.

        Raises:
            ConfigurationError: there is no route with this name (similar names are listed), or an argument is invalid.
        """
        path, hostname = self._path(target, _as_arguments(args), module)
        if root_path and not (host and target.startswith("/")):
            path = quote_path(root_path) + path
        url = self._origin(scheme, host, hostname, current_host, current_scheme) + path
        if query := _encode_params(params or {}):
            url += f"?{query}"
        return f"{url}#{_encode(anchor, _FRAGMENT_CHARACTERS)}" if anchor else url

    def _path(self, target: str, args: Sequence[object], module: str | None) -> tuple[str, str | None]:
        if target.startswith("/"):
            return _append_segments(target, args), None
        name = target
        if target.startswith("."):
            name = f"{module}{target}" if module else target[1:]
        if name not in self._targets:
            raise ConfigurationError(self._unknown(target, name))
        return self._targets[name].pattern.build(args), self._targets[name].hostname

    def _unknown(self, target: str, name: str) -> str:
        from difflib import get_close_matches

        last = name.rpartition(".")[2]
        close = get_close_matches(name, self._targets, n=5)
        close += [other for other in self._targets if other.rpartition(".")[2] == last and other not in close]
        looked_for = f" (that is {name!r} here)" if name != target else ""
        hint = (
            f"did you mean {', '.join(map(repr, close[:5]))}?"
            if close
            else "names are dotted, as in 'blog.index', and a path starts with '/'"
        )
        return f"there is no route {target!r}{looked_for} for {' or '.join(self._schemes)}; {hint}"

    def _origin(
        self,
        scheme: str | bool | None,
        host: str | None,
        hostname: str | None,
        current_host: str | None,
        current_scheme: str | None,
    ) -> str:
        """Return the scheme and host of the URL, or an empty string if the path is enough."""
        current_name, current_port = split_host(current_host or "")
        elsewhere = hostname is not None and hostname != current_name
        if not scheme and not host and not elsewhere:
            return ""
        secure = current_scheme in ("https", "wss")
        chosen = scheme if isinstance(scheme, str) and scheme else self._schemes[secure]
        if chosen not in self._schemes:
            raise ConfigurationError(f"scheme {chosen!r} is not allowed here; use {' or '.join(self._schemes)}")
        if not host and elsewhere:
            # Another name of the same server, with its port, unless the scheme implies another port.
            host = f"[{hostname}]" if hostname and ":" in hostname else hostname
            host = f"{host}:{current_port}" if current_port and chosen == self._schemes[secure] else host
        authority = host or current_host
        if not authority:
            raise ConfigurationError(f"a URL with scheme {chosen!r} needs a host; outside of a request, pass host=")
        return f"{chosen}://{check_authority(authority)}"


def _as_arguments(args: object) -> Sequence[object]:
    if args is None:
        return ()
    if isinstance(args, (list, tuple)):
        return args
    if isinstance(args, Collection) and not isinstance(args, str):
        raise ConfigurationError(f"args must be one value, or a list or tuple of values, not {show_value(args)}")
    return (args,)


def _append_segments(path: str, args: Sequence[object]) -> str:
    if "?" in path or "#" in path:
        raise ConfigurationError(f"path {path!r} has a '?' or a '#'; give what follows as params= or anchor=")
    segments = []
    for value in args:
        try:
            text = format_text(value)
        except ValueError as error:
            raise ConfigurationError(f"path {path!r}: {show_value(value)} cannot be a segment: {error}") from None
        if not text:
            raise ConfigurationError(f"path {path!r}: a segment cannot be empty")
        segments.append(_encode(text, SEGMENT_CHARACTERS))
    # The path comes from the application and may be percent-encoded already.
    path = _LONE_PERCENT.sub("%25", path)
    return quote_path("/".join([path.rstrip("/") if segments else path, *segments]), safe="%")


def _encode_params(params: Mapping[str, object]) -> str:
    pairs: list[tuple[str, str]] = []
    for name, given in params.items():
        values = given if isinstance(given, (list, tuple)) else [given]
        for value in values:
            if value is None:
                continue
            try:
                pairs.append((name, format_text(value)))
            except ValueError as error:
                raise ConfigurationError(f"query parameter {name!r} cannot be {show_value(value)}: {error}") from None
    try:
        # A space becomes `%20`, which, unlike `+`, means the same everywhere in a URL.
        return urlencode(pairs, quote_via=quote)
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"the query parameters {show_value(params)} are not valid Unicode") from error


def _encode(text: str, safe: str) -> str:
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"{text!r} cannot be used in a URL: it is not valid Unicode") from error
