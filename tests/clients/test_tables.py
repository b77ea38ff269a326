"""The tables of docs/clients.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.environments import ROOT
from benchmarks.publish import put
from clients import run, tables
from clients.catalogue import NODE, PYTHON, RETURNING, SCRIPTS, TALKING
from clients.measure import ENDS, KIB, MIB, SIZES

FOUND: dict[str, Any] = {
    "origin": "http://127.0.0.1:4321",
    "host": "127.0.0.1:4321",
    "extensions": "permessage-deflate; client_max_window_bits",
    "frames": [1_000_000],
    "largest": MIB,
    "too large": 1009,
    "pong waiting": True,
    "pong busy": False,
    "pongs": 1,
    "pings after": 20.02,
    "close": {"code": 4401, "reason": "ticket expired", "status": None, "text": ""},
    "refusal": {"code": 1006, "reason": "", "status": None, "text": ""},
}


def test_a_client_has_a_row_with_its_behaviour() -> None:
    row = tables.talking_table({"websockets": FOUND}).splitlines()[-1]
    assert row.split(" | ")[1:] == [
        *("`http://HOST:PORT`", "yes", "one", "1 MiB", "1009", "in `receive` only", "after 20 s", "both", "no, 1006 |"),
    ]


def test_a_cell_says_after_how_many_seconds_a_client_reconnects() -> None:
    waits = {str(end): 3.04 for end in ENDS} | {"1000": 0.02, "403": None}
    row = tables.returning_table({"phoenix": waits}).splitlines()[-1]
    assert row.split(" | ")[1:] == ["at once", *["3.0"] * 8, "no", "3.0 |"]


@pytest.mark.parametrize(
    ("largest", "text"),
    [
        (0, "under 64 KiB"),
        (64 * KIB, "64 KiB"),
        (MIB, "1 MiB"),
        (MIB + 1, "under 4 MiB"),
        (16 * MIB + 1, "under 64 MiB"),
        (SIZES[-1], "over 64 MiB"),
    ],
)
def test_the_largest_message_is_a_limit_or_a_range(largest: int, text: str) -> None:
    assert tables.size(largest) == text


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ({"status": 403, "text": "", "code": None}, "403"),
        ({"status": None, "text": "HTTP 403", "code": 1006}, "403, in the error's text"),
        ({"status": None, "text": "", "code": 1006}, "no, 1006"),
        ({"status": None, "text": "closed", "code": None}, "no"),
    ],
)
def test_a_cell_says_what_a_client_sees_of_a_refusal(seen: dict[str, Any], text: str) -> None:
    assert tables.refusal(seen) == text


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ({"code": 4401, "reason": "ticket expired", "text": ""}, "both"),
        ({"code": 4401, "reason": None, "text": ""}, "the code"),
        ({"code": None, "reason": None, "text": "received 4401"}, "in the error's text"),
        ({"code": 1006, "reason": "", "text": ""}, "no, 1006"),
        ({"code": None, "reason": None, "text": ""}, "no"),
    ],
)
def test_a_cell_says_what_a_client_sees_of_a_close(seen: dict[str, Any], text: str) -> None:
    assert tables.close(seen) == text


def test_frames_pings_and_origins_are_named() -> None:
    assert tables.frames([16 * KIB, 16 * KIB, 100]) == "16 KiB"
    assert tables.frames([131_000, 83_000]) == "131,000 B"
    assert tables.pongs(True, True, True) == "always"
    assert tables.pongs(True, None, None) == "yes"
    assert tables.pongs(False, False, True) == "with its next message"
    assert tables.pongs(False, None, None) == "never"
    assert tables.origin(None, "h:1") == "none"
    assert tables.origin("ws://127.0.0.1", "127.0.0.1:4") == "`ws://HOST`"


def test_the_page_has_its_markers(tmp_path: Path) -> None:
    copy = tmp_path / "clients.md"
    copy.write_text((ROOT / "docs" / "clients.md").read_text("utf-8"), "utf-8")
    for name in ("clients-talking", "clients-returning"):
        put("figures", name, copy, command=run.COMMAND)


def test_every_script_belongs_to_a_client_and_versions_are_pinned() -> None:
    catalogue = (SCRIPTS / "catalogue.py").read_text("utf-8")
    scripts = {
        path.stem for folder in ("python", "node") for path in (SCRIPTS / folder).glob("*.*") if path.stem[0] != "_"
    }
    shared = {"talking", "page"}
    assert [script for script in scripts - shared if f'"{script}"' not in catalogue] == []
    assert all("==" in requirement for requirement in (*PYTHON.requirements, *NODE.requirements))
    for clients in (TALKING, RETURNING):
        assert len({client.name for client in clients}) == len(clients)


def test_an_unknown_client_is_named() -> None:
    done = CliRunner().invoke(run.main, ["--only", "netscape"])
    assert done.exit_code == 2
    assert "unknown: netscape; there are" in done.output
