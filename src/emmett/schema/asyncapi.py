"""AsyncAPI 3: the document for websockets, from the application's perspective: it receives what clients send."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from .asyncapi_calls import add_calls
from .asyncapi_parts import Parts, channel_for
from .description import DescribedMessage, DescribedWebsocket, Description
from .documents import documented, without_discriminators
from .json_schemas import map_schema

VERSION = "3.0.0"


def asyncapi_document(description: Description) -> dict[str, Any]:
    """Return the AsyncAPI 3 document of an application: its websockets, and the functions that clients call over them.

    Arguments:
        description: the application.
    """
    about = description.about
    parts = Parts(security=description.security, servers=_servers(about.servers))
    for calls in description.calls:
        add_calls(parts, calls)
    for websocket in description.websockets:
        _add_websocket(parts, websocket)
    schemas = {**parts.schemas, **description.schemas}
    components = {
        "schemas": schemas,
        "messages": parts.messages,
        "securitySchemes": {name: _security_scheme(parts.security[name]) for name in sorted(parts.used_security)},
    }
    document: dict[str, Any] = {
        "asyncapi": VERSION,
        "info": {
            "title": about.title,
            "version": about.version,
            **({"description": about.description} if about.description else {}),
        },
        "defaultContentType": "application/json",
        "servers": parts.servers,
        "channels": parts.channels,
        "operations": parts.operations,
        "components": {name: value for name, value in components.items() if value},
    }
    plain: dict[str, Any] = map_schema(
        {name: value for name, value in document.items() if value}, without_discriminators
    )
    return plain


def _add_websocket(parts: Parts, websocket: DescribedWebsocket) -> None:
    for path in websocket.paths:
        key = parts.add_channel(websocket.name, channel_for(path, websocket.hostname, websocket.description))
        for action, messages in (("receive", websocket.receives), ("send", websocket.sends)):
            if not messages:
                continue
            names = [parts.add_message(key, f"{action}.{each.name}", _message(each)) for each in messages]
            parts.add_operation(key, action, action, names, documented(websocket.description), websocket.security)


def _message(message: DescribedMessage) -> dict[str, Any]:
    return {
        "name": message.name,
        "contentType": message.content_type,
        **documented(message.description),
        "payload": message.schema,
    }


def _servers(urls: tuple[str, ...]) -> dict[str, Any]:
    servers: dict[str, Any] = {}
    for number, url in enumerate(urls):
        parts = urlsplit(url)
        server = {"host": parts.netloc, "protocol": "ws" if parts.scheme in ("http", "ws") else "wss"}
        if parts.path.strip("/"):
            server["pathname"] = parts.path.rstrip("/")
        servers[f"server{number + 1}"] = server
    return servers


def _security_scheme(scheme: dict[str, Any]) -> dict[str, Any]:
    """Return a security scheme of OpenAPI in the form of AsyncAPI, in which an API key in a field is `httpApiKey`."""
    if scheme.get("type") == "apiKey":
        return {**scheme, "type": "httpApiKey"}
    return scheme
