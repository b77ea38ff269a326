from __future__ import annotations

import base64
from typing import Any

import pytest
from msgspec import Raw

from emmett.centrifuge import CommandFailed, Disconnected
from emmett.centrifuge.claims import ServerSubscription
from emmett.centrifuge.keys import FixedKeys
from emmett.centrifuge.tokens import TokenVerifier
from tests.centrifuge.kit import SECRET, token

NOW = 1_800_000_000.0


def verifier(**options: Any) -> TokenVerifier:
    return TokenVerifier([FixedKeys(SECRET, [])], clock=lambda: NOW, **options)


async def test_the_claims_of_a_connection_are_read() -> None:
    claims = await verifier().connection(
        token(
            sub="42",
            exp=NOW + 60,
            iat=NOW + 5,
            aud="ignored",
            info={"name": "Ada"},
            channels=["news"],
            subs={"team": {"info": {"role": "lead"}, "data": [1]}},
            meta={"plan": "pro"},
        )
    )
    assert claims == (
        "42",
        NOW + 60,
        Raw(b'{"name":"Ada"}'),
        [ServerSubscription("news"), ServerSubscription("team", Raw(b'{"role":"lead"}'), Raw(b"[1]"))],
        {"plan": "pro"},
    )


async def test_a_token_may_be_anonymous_and_never_expire() -> None:
    claims = await verifier().connection(token(exp=NOW + 60, expire_at=0))
    assert (claims.user, claims.expires_at) == ("", None)


@pytest.mark.parametrize("exp", [NOW, NOW - 1])
async def test_an_expired_token_is_distinguished_from_an_invalid_one(exp: float) -> None:
    with pytest.raises(CommandFailed) as caught:
        await verifier().connection(token(sub="42", exp=exp))
    assert (caught.value.code, caught.value.temporary) == (109, False)


INVALID = [
    "no token",
    "a.b.c",
    "x" * 20_000,
    token("another secret of more than thirty-two bytes", sub="42"),
    token(sub="42", exp="tomorrow"),
    token(sub="42", channels="news"),
    token(sub="42", nbf=4_000_000_000),
    token(sub="42", b64info="no base64"),
    token(sub="42", b64info=base64.b64encode(b"no JSON").decode()),
    token(sub="42", headers={"kid": "unknown", "x": 1}) + "x",
    # An unsigned token.
    "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiI0MiJ9.",
]


@pytest.mark.parametrize("text", INVALID, ids=range(len(INVALID)))
async def test_an_invalid_connection_token_disconnects_for_good(text: str) -> None:
    with pytest.raises(Disconnected) as caught:
        await verifier().connection(text)
    assert caught.value.ending == (3500, "invalid token")


async def test_a_subscription_token_does_not_connect() -> None:
    with pytest.raises(Disconnected, match="invalid token"):
        await verifier().connection(token(sub="42", channel="news"))


async def test_the_claims_of_a_subscription_are_read() -> None:
    claims = await verifier().subscription(token(sub="42", channel="news", exp=NOW + 9, info=1), "news", "42", "id")
    assert claims == (NOW + 9, Raw(b"1"))
    await verifier().subscription(token(client="id", channel="news"), "news", "42", "id")
    info = base64.b64encode(b"[1]").decode()
    assert (await verifier().subscription(token(channel="n", b64info=info), "n", "", "")).info == Raw(b"[1]")


@pytest.mark.parametrize(
    "claims",
    [{"sub": "42", "channel": "other"}, {"sub": "43", "channel": "news"}, {"channel": "news"}, {"sub": "42"}],
)
async def test_a_token_for_something_else_disconnects(claims: dict[str, Any]) -> None:
    with pytest.raises(Disconnected, match="invalid token"):
        await verifier().subscription(token(**claims), "news", "42", "id")
    with pytest.raises(Disconnected, match="invalid token"):
        await verifier().subscription(token(client="id2", channel="news"), "news", "42", "id")


async def test_an_invalid_or_expired_subscription_token_refuses_without_disconnecting() -> None:
    for text, code in [("no token", 103), (token(sub="42", channel="news", exp=NOW), 109)]:
        with pytest.raises(CommandFailed) as caught:
            await verifier().subscription(text, "news", "42", "id")
        assert caught.value.code == code


async def test_audience_and_issuer_are_verified_if_set() -> None:
    strict = verifier(audience="chat", issuer="us")
    assert (await strict.connection(token(sub="42", aud=["chat", "other"], iss="us"))).user == "42"
    refused: list[dict[str, Any]] = [{}, {"aud": "shop", "iss": "us"}, {"aud": "chat", "iss": "them"}, {"aud": "chat"}]
    for claims in refused:
        with pytest.raises(Disconnected):
            await strict.connection(token(sub="42", **claims))
