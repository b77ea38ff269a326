"""Who may log in, and how often somebody may try."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

MAX_PASSWORD = 200  # characters
MAX_ATTEMPTS = 10  # of one address, within PERIOD
PERIOD = 60.0  # seconds


class Account(NamedTuple):
    """What is kept of a password. `hash_password` makes the hash."""

    name: str
    salt: str  # hexadecimal
    hash: str


# Yours come from a database. README.md has the passwords of these two.
ACCOUNTS = {
    "ada": Account(
        "Ada",
        "a672900764981d4699dc2289a080eeef",
        "8434099496e38388b882555fa14d85e38302196470d6697ce81c3b04302a08c4",
    ),
    "grace": Account(
        "Grace",
        "149411856ddb49217c0a5319bd6091f8",
        "e357e5f31050a58df5c86e61c967ba1289b12789a2c3e3a46ea4635e2e32e5fd",
    ),
}
# Checked for a name that nobody has: an answer takes as long as for one that somebody has.
NOBODY = Account("", "00" * 16, "00" * 32)

# Each hash takes 16 MiB for a moment: two at a time are enough.
_threads = ThreadPoolExecutor(2, "scrypt")


def hash_password(password: str, salt: str) -> str:
    octets = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(octets, salt=bytes.fromhex(salt), n=2**14, r=8, p=1, dklen=32).hex()


async def check_password(user: str, password: str) -> bool:
    """Tell whether this is the password of a user. The hash is computed in a thread, so nobody else waits for it."""
    account = ACCOUNTS.get(user, NOBODY)
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_threads, hash_password, password[:MAX_PASSWORD], account.salt)
    return hmac.compare_digest(found, account.hash) and account is not NOBODY
