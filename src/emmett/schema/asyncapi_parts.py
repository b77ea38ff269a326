"""The parts of an AsyncAPI document: channels, operations and messages that refer to each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .description import DescribedPath, Schema
from .documents import Keys

BINDINGS = {"ws": {"method": "GET", "bindingVersion": "0.1.0"}}


class Parts:
    """Collects the parts of a document.

    Arguments:
        security: all security schemes by name.
        servers: the servers of the document.

    Attributes:
        channels, operations, messages, schemas: the parts by key.
        used_security: the names of the security schemes that an operation requires.
    """

    def __init__(self, *, security: dict[str, dict[str, Any]], servers: dict[str, Any]) -> None:
        self.security = security
        self.servers = servers
        self.channels: dict[str, Any] = {}
        self.operations: dict[str, Any] = {}
        self.messages: dict[str, Any] = {}
        self.schemas: dict[str, Schema] = {}
        self.used_security: set[str] = set()
        self._channel_keys = Keys()
        self._operation_keys = Keys()
        self._message_keys = Keys()

    def add_channel(self, name: str, channel: dict[str, Any]) -> str:
        """Add a channel, and return its key."""
        key = self._channel_keys.add(name)
        self.channels[key] = channel
        return key

    def add_message(self, channel: str, name: str, message: dict[str, Any]) -> str:
        """Add a message to a channel, and return its key in that channel."""
        key = self._message_keys.add(f"{channel}.{name}")
        self.messages[key] = message
        self.channels[channel]["messages"][key] = {"$ref": f"#/components/messages/{key}"}
        return key

    def add_operation(
        self,
        channel: str,
        name: str,
        action: str,
        messages: Iterable[str],
        documentation: dict[str, Any],
        security: Iterable[str] = (),
        reply: Iterable[str] = (),
    ) -> None:
        """Add an operation.

        Arguments:
            channel: the key of its channel.
            name: its name in the channel.
            action: "receive" for messages that clients send, "send" for those that the server sends.
            messages: the keys of its messages in the channel.
            documentation: the members `summary` and `description`.
            security: the names of the security schemes that it requires.
            reply: the keys of the messages that answer it.
        """
        operation: dict[str, Any] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            **documentation,
            "messages": _references(channel, messages),
        }
        schemes = list(security)
        if schemes:
            self.used_security.update(schemes)
            operation["security"] = [{"$ref": f"#/components/securitySchemes/{scheme}"} for scheme in schemes]
        # The reply has no channel, because tools show all messages of a reply's channel.
        answers = _references(channel, reply)
        if answers:
            operation["reply"] = {"messages": answers}
        self.operations[self._operation_keys.add(f"{channel}.{name}")] = operation


def channel_for(path: DescribedPath, hostname: str | None, description: str = "") -> dict[str, Any]:
    """Return a channel without messages."""
    notes = [description, f"It is on the host {hostname} only." if hostname is not None else ""]
    text = "\n\n".join(note for note in notes if note)
    parameters = {each.name: _parameter(each.schema) for each in path.variables}
    return {
        "address": path.template,
        **({"description": text} if text else {}),
        **({"parameters": parameters} if parameters else {}),
        "messages": {},
        "bindings": BINDINGS,
    }


def _parameter(schema: Schema) -> dict[str, Any]:
    # In AsyncAPI 3 a parameter has no schema.
    return {"description": f"A value of the type {schema.get('format', schema['type'])}."}


def _references(channel: str, messages: Iterable[str]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/{channel}/messages/{key}"} for key in messages]
