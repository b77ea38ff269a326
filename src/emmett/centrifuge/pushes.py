"""Publications of channels as pushes: one function for each encoding, so that each publication is encoded once."""

from __future__ import annotations

import msgspec

from ..channels import Kind, Publication
from ..channels.encoding import Encode
from .codec import JSON, ClientCodec
from .messages import NOTHING, ClientInfo, ClientReply, JoinPush, Push, PushedPublication

_decode_info = msgspec.json.Decoder(ClientInfo).decode


class _MemberData(msgspec.Struct):
    member: str
    info: msgspec.Raw


_NULL = msgspec.Raw(b"null")
_decode_member = msgspec.json.Decoder(_MemberData).decode


def client_info(member: str, info: bytes | msgspec.Raw) -> ClientInfo:
    """Return the description of a member: a client of this protocol, or any other subscriber.

    Arguments:
        member: its name; for a client, the id.
        info: its info as JSON; for a client, a `ClientInfo`; for others, it is passed on unchanged.
    """
    try:
        found = _decode_info(info)
    except (msgspec.MsgspecError, RecursionError):
        found = None
    if found is not None and found.client == member:
        return found
    return ClientInfo(user=member, client=member, conn_info=NOTHING if bytes(info) == b"null" else msgspec.Raw(info))


def published(publication: Publication, codec: ClientCodec) -> PushedPublication:
    """Return a publication as a part of a push or a reply."""
    pushed = PushedPublication(data=codec.wrap(publication.data))
    if publication.position is not None:
        pushed.offset = publication.position.offset
    details = publication.details
    if details is not None:
        pushed.tags = details.tags
        if details.info:
            try:
                pushed.info = _decode_info(details.info)
            except (msgspec.MsgspecError, RecursionError):
                # Another program published it, with a description in its own form.
                pushed.info = None
    return pushed


def push_encoder(codec: ClientCodec) -> Encode:
    """Return the function that encodes publications for the clients of a codec."""

    return _PushEncoder(codec)


class _PushEncoder:
    """Encodes publications; a gap ends the subscription, since no push can express it."""

    ends_at_gap = True

    def __init__(self, codec: ClientCodec) -> None:
        self._codec = codec

    def __call__(self, publication: Publication) -> str | bytes | None:
        push = push_of(publication, self._codec)
        return None if push is None else self._codec.encode([ClientReply(push=push)])


def push_of(publication: Publication, codec: ClientCodec) -> Push | None:
    """Return the push for a publication, a join or a leave; None for a gap, which no push can express."""
    channel, kind = publication.channel, publication.kind
    if kind is Kind.MESSAGE:
        return Push(channel=channel, pub=published(publication, codec))
    if kind is Kind.GAP:
        return None
    member = _decode_member(publication.data)
    info = client_info(member.member, member.info)
    if kind is Kind.JOIN:
        return Push(channel=channel, join=JoinPush(info=info))
    if member.info == _NULL:
        # Its node has crashed, and no other node knows its user.
        info.user = ""
    return Push(channel=channel, leave=JoinPush(info=info))


PUSH_JSON = push_encoder(JSON)
