"""How the errors of real servers are interpreted."""

from __future__ import annotations

import ssl

import pytest
from redis.exceptions import AuthenticationError, ConnectionError, NoPermissionError, ResponseError

from emmett.channels.brokers.redis.refusals import KINDS, describe, is_final, kind_of, refused
from emmett.errors import BrokerRefused, BrokerUnavailable


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        # Valkey 9.1 and Redis 7.0.
        (
            "ACL failure in script: User ann has no permissions to run the 'hget' command script: on @user_script:1.",
            "NOPERM",
        ),
        (
            "The user executing the script can't run this command or subcommand script: fd1f6, on @user_script:1.",
            "NOPERM",
        ),
        ("The user executing the script can't publish to the channel mentioned in the command script: 661", "NOPERM"),
        ("WRONGTYPE Operation against a key holding the wrong kind of value script: on @user_script:1.", "WRONGTYPE"),
        ("NOREPLICAS Not enough good replicas to write. script: on @user_script:1.", "NOREPLICAS"),
        (
            "MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to persist to disk.",
            "MISCONF",
        ),
        ("This instance has cluster support disabled", "NOCLUSTER"),
        ("unknown command 'EVAL', with args beginning with: 'return 1' '0' ", "UNKNOWN"),
        # Redis 6.2.
        ("Error running script (call to f_5a): @user_script:1: WRONGTYPE Operation against a key holding", "WRONGTYPE"),
        ("something else", ""),
    ],
)
def test_errors_of_real_servers_are_interpreted(text: str, kind: str) -> None:
    error = ResponseError(text)
    assert kind_of(error) == kind
    assert is_final(error) == (KINDS[kind].is_final if kind else False)
    raised = refused(error, "host:1")
    assert isinstance(raised, BrokerRefused if is_final(error) else BrokerUnavailable)
    assert raised.message.startswith("the Redis broker at host:1 refuses: ")
    assert text in raised.message


def test_an_error_is_found_as_the_cause_of_another_one_of_redis_py() -> None:
    for cause, kind in ((AuthenticationError("bad"), "WRONGPASS"), (ssl.SSLError("bad"), "TLS")):
        error = ConnectionError(cause)
        error.__cause__ = cause
        assert kind_of(error) == kind
        assert is_final(error)
    assert not is_final(ConnectionError("refused"))
    assert not is_final(TimeoutError())


def test_words_that_redis_py_removes_are_restored() -> None:
    assert describe(NoPermissionError("no")).startswith("NOPERM: no (its access list lacks")
    assert describe(TimeoutError()) == "TimeoutError"
    assert describe(OSError("no route")) == "OSError: no route"
    assert describe(BrokerUnavailable("as it is")) == "as it is"
    assert len(describe(ResponseError("x" * 1000))) < 250
