from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest

from emmett.cli import addresses
from emmett.cli.addresses import MAX_UDS_PATH, browser_url, check_uds, find_port, parse_port
from emmett.cli.errors import CommandLineError


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on 127.0.0.1 that something listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for the name of a unix socket."""
    with TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.parametrize(("text", "port"), [("0", 0), ("80", 80), ("65535", 65535)])
def test_parse_port(text: str, port: int) -> None:
    assert parse_port(text) == port


@pytest.mark.parametrize("text", ["65536", "9" * 5000])
def test_a_port_out_of_range_names_the_range(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is out of range; type one from 1 to 65535"):
        parse_port(text)


@pytest.mark.parametrize("text", ["", "http", "-1", "8000.0", "٣", "²"])
def test_a_port_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a number; type one from 1 to 65535"):
        parse_port(text)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("localhost", "http://localhost:8000/"),
        ("0.0.0.0", "http://127.0.0.1:8000/"),
        ("::", "http://[::1]:8000/"),
        ("fe80::1", "http://[fe80::1]:8000/"),
    ],
)
def test_browser_url(host: str, url: str) -> None:
    assert browser_url(host, 8000) == url


def test_find_port_leaves_a_free_port_free() -> None:
    port = find_port("127.0.0.1", 0, "emmett develop")
    assert port > 0
    assert find_port("127.0.0.1", port, "emmett develop") == port
    socket.create_server(("127.0.0.1", port)).close()


def test_a_port_in_use_says_which_one_is_free(taken: int) -> None:
    with pytest.raises(CommandLineError, match=f"port {taken} on 127.0.0.1 is in use") as caught:
        find_port("127.0.0.1", taken, "emmett develop")
    assert caught.value.exit_code == 1
    command, _, free = caught.value.hint.rpartition(" ")
    assert command.endswith("type emmett develop --port")
    assert find_port("127.0.0.1", int(free), "emmett develop") == int(free)


def test_without_a_free_port_nearby_none_is_named(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_free_port", lambda host, port: None)
    with pytest.raises(CommandLineError) as caught:
        find_port("127.0.0.1", taken, "emmett develop")
    assert caught.value.hint == "stop what listens there"


def test_the_search_for_a_free_port_ends_at_the_last_one() -> None:
    assert addresses._free_port("127.0.0.1", 65535) is None


def test_an_address_of_another_machine_is_refused() -> None:
    # TEST-NET-1 (RFC 5737), an address that no machine has.
    with pytest.raises(CommandLineError, match=r"192\.0\.2\.1 is not an address of this machine") as caught:
        find_port("192.0.2.1", 8000, "emmett serve")
    assert "0.0.0.0" in caught.value.hint


def test_an_unknown_host_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(CommandLineError, match=r"--host nowhere\.invalid: there is no such host"):
        find_port("nowhere.invalid", 8000, "emmett serve")


@pytest.mark.parametrize(
    ("number", "message", "hint"),
    [
        (errno.EACCES, "this user may not listen on port 80", "emmett serve --port 8000"),
        (errno.ENOBUFS, "cannot listen on port 80 of 127.0.0.1: No buffer space available", ""),
    ],
)
def test_an_address_that_the_machine_does_not_allow_is_explained(
    monkeypatch: pytest.MonkeyPatch, number: int, message: str, hint: str
) -> None:
    def fail(host: str, port: int) -> int:
        raise OSError(number, "No buffer space available")

    monkeypatch.setattr(addresses, "_bind", fail)
    with pytest.raises(CommandLineError) as caught:
        find_port("127.0.0.1", 80, "emmett serve")
    assert caught.value.message == message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 1


def test_check_uds_accepts_a_new_path_and_the_socket_of_a_dead_server(short_folder: Path) -> None:
    path = short_folder / "web.sock"
    check_uds(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    check_uds(path)


def test_check_uds_refuses_a_path_on_which_a_server_listens(short_folder: Path) -> None:
    path = short_folder / "web.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(CommandLineError, match="a server listens there") as caught:
            check_uds(path)
    assert caught.value.exit_code == 1


def test_check_uds_refuses_a_path_that_cannot_be_a_socket(short_folder: Path) -> None:
    (short_folder / "file").touch()
    with pytest.raises(CommandLineError, match="the file there is not a socket"):
        check_uds(short_folder / "file")
    with pytest.raises(CommandLineError, match="there is no folder") as caught:
        check_uds(short_folder / "missing" / "web.sock")
    assert caught.value.hint == f"make it first: mkdir {short_folder / 'missing'}"
    with pytest.raises(CommandLineError, match=f"longer than {MAX_UDS_PATH} bytes"):
        check_uds(short_folder / ("ü" * 60))
