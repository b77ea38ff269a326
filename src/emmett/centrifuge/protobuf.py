"""Commands and replies in Protobuf: several messages in a frame, each after its length.

The table below numbers the members of the messages in `messages.py` as the protocol does. The message types of
the protobuf package are made from it when this module is imported: there is no generated code and no compiler.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message
from msgspec import Raw

from . import messages
from .codec import Emulation, UnreadableFrame
from .codes import bad_request
from .messages import NOTHING, CentrifugeMessage, ClientReply, Command, EmulationRequest

# The most commands in a frame before decoding stops; a session allows far fewer.
MAX_DECODED = 65_536
# The largest offset, as in JSON.
MAX_OFFSET = 2**63 - 1

_PACKAGE = "emmett.centrifuge"
# The members of each message: name, number and type. `*T` is a list of T, `{T}` a map from strings to T.
_TABLE = """
Command: id 1 uint32, connect 4 ConnectRequest, subscribe 5 SubscribeRequest, unsubscribe 6 UnsubscribeRequest,
    publish 7 PublishRequest, presence 8 PresenceRequest, presence_stats 9 PresenceStatsRequest,
    history 10 HistoryRequest, ping 11 PingRequest, send 12 SendRequest, rpc 13 RPCRequest, refresh 14 RefreshRequest,
    sub_refresh 15 SubRefreshRequest
ClientReply: id 1 uint32, error 2 ErrorInfo, push 4 Push, connect 5 ConnectResult, subscribe 6 SubscribeResult,
    unsubscribe 7 EmptyResult, publish 8 EmptyResult, presence 9 PresenceResult, presence_stats 10 PresenceStatsResult,
    history 11 HistoryResult, ping 12 EmptyResult, rpc 13 RPCResult, refresh 14 RefreshResult,
    sub_refresh 15 SubRefreshResult
ErrorInfo: code 1 uint32, message 2 string, temporary 3 bool
Push: id 1 int64, channel 2 string, pub 4 PushedPublication, join 5 JoinPush, leave 6 JoinPush,
    unsubscribe 7 UnsubscribePush, message 8 MessagePush, subscribe 9 SubscribePush, connect 10 ConnectResult,
    disconnect 11 DisconnectPush, refresh 12 RefreshPush
ClientInfo: user 1 string, client 2 string, conn_info 3 bytes, chan_info 4 bytes
PushedPublication: data 4 bytes, info 5 ClientInfo, offset 6 uint64, tags 7 {string}, delta 8 bool, time 9 int64,
    channel 10 string
JoinPush: info 1 ClientInfo
UnsubscribePush: code 2 uint32, reason 3 string
MessagePush: data 1 bytes
SubscribePush: recoverable 1 bool, epoch 4 string, offset 5 uint64, positioned 6 bool, data 7 bytes
DisconnectPush: code 1 uint32, reason 2 string, reconnect 3 bool
RefreshPush: expires 1 bool, ttl 2 uint32
ConnectRequest: token 1 string, data 2 bytes, subs 3 {SubscribeRequest}, name 4 string, version 5 string,
    headers 6 {string}, flag 7 int64
ConnectResult: client 1 string, version 2 string, expires 3 bool, ttl 4 uint32, data 5 bytes, subs 6 {SubscribeResult},
    ping 7 uint32, pong 8 bool, session 9 string, node 10 string, time 11 int64
RefreshRequest: token 1 string
RefreshResult: client 1 string, version 2 string, expires 3 bool, ttl 4 uint32
SubscribeRequest: channel 1 string, token 2 string, recover 3 bool, epoch 6 string, offset 7 uint64, data 8 bytes,
    positioned 9 bool, recoverable 10 bool, join_leave 11 bool, delta 12 string, tf 13 FilterNode, flag 14 int64
FilterNode: op 1 string, key 2 string, cmp 3 string, val 4 string, vals 5 *string, nodes 6 *FilterNode
SubscribeResult: expires 1 bool, ttl 2 uint32, recoverable 3 bool, epoch 6 string, publications 7 *PushedPublication,
    recovered 8 bool, offset 9 uint64, positioned 10 bool, data 11 bytes, was_recovering 12 bool, delta 13 bool,
    id 14 int64
SubRefreshRequest: channel 1 string, token 2 string
SubRefreshResult: expires 1 bool, ttl 2 uint32
UnsubscribeRequest: channel 1 string
PublishRequest: channel 1 string, data 2 bytes
PresenceRequest: channel 1 string
PresenceResult: presence 1 {ClientInfo}
PresenceStatsRequest: channel 1 string
PresenceStatsResult: num_clients 1 uint32, num_users 2 uint32
StreamPosition: offset 1 uint64, epoch 2 string
HistoryRequest: channel 1 string, limit 7 int32, since 8 StreamPosition, reverse 9 bool
HistoryResult: publications 1 *PushedPublication, epoch 2 string, offset 3 uint64
PingRequest:
EmptyResult:
SendRequest: data 1 bytes
EmulationRequest: node 1 string, session 2 string, data 3 bytes
RPCRequest: data 1 bytes, method 2 string
RPCResult: data 1 bytes
"""
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _FIELD.TYPE_BOOL,
    "bytes": _FIELD.TYPE_BYTES,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "string": _FIELD.TYPE_STRING,
    "uint32": _FIELD.TYPE_UINT32,
    "uint64": _FIELD.TYPE_UINT64,
}


def read_table() -> dict[str, list[tuple[str, int, str]]]:
    """Return the members of each message: name, number and type."""
    table: dict[str, list[tuple[str, int, str]]] = {}
    for line in _TABLE.replace("\n    ", " ").strip().split("\n"):
        name, _, members = line.partition(":")
        parts = (member.split() for member in members.split(",") if member.strip())
        table[name] = [(member, int(number), type_) for member, number, type_ in parts]
    return table


def _make_classes() -> dict[str, type[Message]]:
    """Return the message types of the protobuf package."""
    file = descriptor_pb2.FileDescriptorProto(name="emmett/centrifuge.proto", package=_PACKAGE, syntax="proto3")
    table = read_table()
    for name, members in table.items():
        message = file.message_type.add(name=name)
        for member, number, type_ in members:
            _add_field(message, member, number, type_)
    # A separate pool, so that names of the application's messages cannot collide with these.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    find = pool.FindMessageTypeByName
    return {name: message_factory.GetMessageClass(find(f"{_PACKAGE}.{name}")) for name in table}


def _add_field(message: Any, name: str, number: int, type_: str) -> None:
    field = message.field.add(name=name, number=number, label=_FIELD.LABEL_OPTIONAL)
    if type_.startswith("{"):
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        _add_field(entry, "key", 1, "string")
        _add_field(entry, "value", 2, type_.strip("{}"))
        field.label = _FIELD.LABEL_REPEATED
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{message.name}.{entry.name}"
        return
    if type_.startswith("*"):
        field.label = _FIELD.LABEL_REPEATED
        type_ = type_[1:]
    if type_ in _SCALARS:
        field.type = _SCALARS[type_]
    else:
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{type_}"


_CLASSES = _make_classes()
_STRUCTS: dict[str, type[CentrifugeMessage]] = {name: getattr(messages, name) for name in _CLASSES}


class ProtobufClientCodec:
    """Messages in Protobuf, in binary frames. Data may be any bytes."""

    name = "protobuf"
    subprotocol = "centrifuge-protobuf"
    # A reply without members.
    ping = b"\x00"

    def decode(self, frame: str | bytes) -> Sequence[Command]:
        """See `ClientCodec`."""
        if isinstance(frame, str):
            raise UnreadableFrame("a text frame")
        commands: list[Command] = []
        at = 0
        while at < len(frame):
            size, at = _read_varint(frame, at)
            if at + size > len(frame):
                raise UnreadableFrame("a command that is cut off")
            if len(commands) >= MAX_DECODED:
                raise UnreadableFrame(f"more than {MAX_DECODED} commands")
            command = _read("Command", frame[at : at + size])
            assert isinstance(command, Command)
            commands.append(command)
            at += size
        return commands

    def decode_emulation(self, body: bytes) -> Emulation:
        """See `ClientCodec`."""
        request = _read("EmulationRequest", body)
        assert isinstance(request, EmulationRequest)
        return Emulation(request.node, request.session, bytes(request.data))

    def encode(self, replies: Sequence[ClientReply]) -> bytes:
        """See `ClientCodec`."""
        parts: list[bytes] = []
        for reply in replies:
            encoded = _to_message(reply).SerializeToString()
            parts += (_varint(len(encoded)), encoded)
        return b"".join(parts)

    def wrap(self, data: str | bytes) -> Raw:
        """Return data as bytes."""
        return Raw(data.encode() if isinstance(data, str) else data)

    def escape(self, content: bytes) -> Raw:
        """Return the bytes as they are."""
        return Raw(content)

    def unwrap(self, data: Raw) -> str | bytes:
        """Return data as text if it is text, so that clients with JSON can read it if it is JSON."""
        if data == NOTHING:
            raise bad_request()
        content = bytes(data)
        try:
            return content.decode()
        except UnicodeDecodeError:
            return content


PROTOBUF = ProtobufClientCodec()


def _read(name: str, content: bytes) -> CentrifugeMessage:
    message = _CLASSES[name]()
    try:
        message.ParseFromString(content)
        return _to_struct(message)
    except (DecodeError, RecursionError, UnicodeError) as error:
        raise UnreadableFrame(str(error)) from None


def _to_struct(message: Message) -> CentrifugeMessage:
    values: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            is_message = field.message_type.fields_by_name["value"].message_type is not None
            values[field.name] = {key: _to_struct(each) if is_message else each for key, each in value.items()}
        elif hasattr(value, "append"):
            values[field.name] = [_to_struct(each) if isinstance(each, Message) else each for each in value]
        elif field.message_type is not None:
            values[field.name] = _to_struct(value)
        elif field.type == field.TYPE_BYTES:
            values[field.name] = Raw(value)
        else:
            values[field.name] = min(value, MAX_OFFSET) if field.type == field.TYPE_UINT64 else value
    return _STRUCTS[message.DESCRIPTOR.name](**values)


def _to_message(struct: CentrifugeMessage) -> Message:
    message = _CLASSES[type(struct).__name__]()
    _fill(message, struct)
    return message


def _fill(message: Any, struct: CentrifugeMessage) -> None:
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if isinstance(value, CentrifugeMessage):
            # A message without members must be present, too.
            child = getattr(message, name)
            child.SetInParent()
            _fill(child, value)
        elif isinstance(value, list):
            children = getattr(message, name)
            for each in value:
                if isinstance(each, CentrifugeMessage):
                    _fill(children.add(), each)
                else:
                    children.append(each)
        elif isinstance(value, dict):
            entries = getattr(message, name)
            for key, each in value.items():
                if isinstance(each, CentrifugeMessage):
                    _fill(entries[key], each)
                else:
                    entries[key] = each
        elif isinstance(value, Raw):
            if value != NOTHING:
                setattr(message, name, bytes(value))
        elif value is not None:
            setattr(message, name, value)


def _read_varint(frame: bytes, at: int) -> tuple[int, int]:
    """Return the length at a position of a frame, and the position after it."""
    value = shift = 0
    while at < len(frame) and shift < 35:
        byte = frame[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise UnreadableFrame("a length that is cut off or too long")


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
