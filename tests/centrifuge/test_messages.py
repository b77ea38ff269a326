from __future__ import annotations

from emmett.centrifuge.messages import Command, PingRequest, PresenceStatsResult, SubscribeRequest, request_of


def test_the_first_request_of_a_command_counts() -> None:
    assert request_of(Command(id=1)) is None
    subscribe = SubscribeRequest(channel="a")
    assert request_of(Command(id=1, ping=PingRequest(), subscribe=subscribe)) == ("subscribe", subscribe)


def test_some_members_are_encoded_even_if_zero() -> None:
    import msgspec

    assert msgspec.json.encode(PresenceStatsResult(num_clients=0, num_users=0)) == b'{"num_clients":0,"num_users":0}'
