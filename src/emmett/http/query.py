"""Parse the query string of a URL or a form body: `application/x-www-form-urlencoded`."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from ..datastructures import sdict


def parse_query(query_string: bytes) -> sdict[str | list[str]]:
    """Parse the parameters of a query string.

    Arguments:
        query_string: the part after the `?`, still percent-encoded.

    Returns an `sdict` in the order of arrival: a single value as `str`, the values of a repeated name as `list[str]`, a
    blank value, with or without `=`, as `""`. Bytes that are not UTF-8 become U+FFFD. Every input has a result, and the
    time grows only with its length.
    """
    params: sdict[str | list[str]] = sdict()
    if not query_string:
        return params
    for pair in query_string.split(b"&"):
        if not pair:
            continue
        raw_name, _, raw_value = pair.partition(b"=")
        name, value = _decode(raw_name), _decode(raw_value)
        earlier = dict.get(params, name)
        if earlier is None:
            params[name] = value
        elif isinstance(earlier, list):
            earlier.append(value)
        else:
            params[name] = [earlier, value]
    return params


def _decode(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "replace")
