"""The tables of docs/clients.md, from what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.markdown import table
from clients.catalogue import RETURNING, TALKING, Client
from clients.measure import ENDS, IDLE, KIB, MIB, REASON, RETURN_TIMEOUT, SENT_SIZE, SIZES

Results = Mapping[str, Mapping[str, Any]]

TALK_HEADINGS = (
    "client",
    "Origin",
    "offers compression",
    "frames of 1 MB",
    "largest message",
    "code above it",
    "answers Pings",
    "own Pings",
    "sees 4401 and reason",
    "sees of a 403",
)


def talking_table(results: Results) -> str:
    """Return the table of what clients send and see."""
    rows = [_talking_row(client, results[client.name]) for client in TALKING if client.name in results]
    return table(TALK_HEADINGS, rows, left=len(TALK_HEADINGS))


def returning_table(results: Results) -> str:
    """Return the table of the seconds after which clients come back."""
    rows = [
        [client.title, *(seconds(results[client.name][str(end)]) for end in ENDS)]
        for client in RETURNING
        if client.name in results
    ]
    return table(("client", *map(str, ENDS)), rows, left=1)


def _talking_row(client: Client, found: Mapping[str, Any]) -> Sequence[str]:
    plain = not client.greeting
    return [
        client.title,
        origin(found["origin"], found["host"]),
        "yes" if "permessage-deflate" in (found["extensions"] or "") else "no",
        frames(found["frames"]) if plain else "",
        size(found["largest"]) if plain else "",
        (str(found["too large"] or "none") if found["largest"] < SIZES[-1] else "") if plain else "",
        pongs(found["pong waiting"], found.get("pong busy"), found.get("pong with message")),
        "none" if found["pings after"] is None else f"after {found['pings after']:.0f} s",
        close(found["close"]),
        refusal(found["refusal"]),
    ]


def origin(value: str | None, host: str) -> str:
    """Return an Origin with the place of the server as `HOST`."""
    return "none" if value is None else f"`{value.replace(host, 'HOST:PORT').replace(host.partition(':')[0], 'HOST')}`"


def frames(sizes: Sequence[int]) -> str:
    """Return in frames of which size a message was sent."""
    if len(sizes) == 1:
        return "one"
    largest = max(sizes)
    return f"{largest / KIB:g} KiB" if largest % KIB == 0 else f"{largest:,} B"


def size(largest: int) -> str:
    """Return the largest message that was taken; the sizes that were tried are limits that libraries have."""
    if largest == SIZES[-1]:
        return "over 64 MiB"
    if largest == 0:
        return "under 64 KiB"
    if largest == SIZES[SIZES.index(largest) // 2 * 2]:
        return f"{largest // MIB} MiB" if largest >= MIB else f"{largest // KIB} KiB"
    after = SIZES[SIZES.index(largest) + 1]
    return f"under {after // MIB} MiB"


def pongs(waiting: bool, busy: bool | None, with_message: bool | None) -> str:
    """Return when a client answers a Ping."""
    if not waiting:
        return "with its next message" if with_message else "never"
    return {None: "yes", True: "always", False: "in `receive` only"}[busy]


def close(seen: Mapping[str, Any]) -> str:
    """Return what a program sees of a Close frame with 4401 and a reason."""
    code, reason = seen["code"], seen["reason"]
    if code == 4401:
        return "both" if reason == REASON else "the code"
    if "4401" in seen["text"]:
        return "in the error's text"
    return "no" if code is None else f"no, {code}"


def refusal(seen: Mapping[str, Any]) -> str:
    """Return what a program sees of a refusal."""
    if seen["status"] == 403:
        return "403"
    if "403" in seen["text"]:
        return "403, in the error's text"
    return "no" if seen["code"] is None else f"no, {seen['code']}"


def seconds(wait: float | None) -> str:
    """Return a wait; what is under a tenth of a second is none."""
    if wait is None:
        return "no"
    return "at once" if wait < 0.1 else f"{wait:.1f}"


def legend() -> str:
    """Return what the tables leave out."""
    return (
        f"Messages of {SENT_SIZE:,} bytes were sent. A client has {IDLE:.0f} s to ping by itself. In the second "
        f"table a client has {RETURN_TIMEOUT:.0f} s to come back; figures are seconds."
    )
