"""The chat on two nodes behind nginx, with a real Valkey, as `make cluster` runs it; one node is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.chat_pages import (
    ChatCluster,
    ChatVisitors,
    expect_live,
    node_of,
    people,
    say,
    take_picture,
    texts,
)
from tests.integration.example_pages import DEADLINE, ROOT

LINES = (
    "Good morning! Which node are you on?",
    "Not on yours, says the bar at the top.",
    "And we hear each other all the same.",
    "There is a Valkey between us. It also keeps what we say, for those who come later.",
    "Shall we kill one of them,\nand see what becomes of us?",
    "Yours, then. I shall go on talking: you will find it all here.",
)

pytestmark = [pytest.mark.needs("nginx"), pytest.mark.needs("chromium")]


@contextlib.contextmanager
def running(*options: str) -> Iterator[ChatCluster]:
    """Run the cluster while the block does, and check that nothing of it is left."""
    cluster = ChatCluster(*options)
    try:
        yield cluster
    finally:
        status = cluster.stop()
        assert status == 0, cluster.output
    assert "All has ended." in cluster.output
    assert "Traceback" not in cluster.output
    for pid in cluster.processes.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.fixture
def cluster() -> Iterator[ChatCluster]:
    # A killed node is not restarted, so its visitors must connect to the other node.
    with running("--restart", "0") as chat:
        yield chat


@pytest.fixture
def visitors(browser: Browser, cluster: ChatCluster) -> Iterator[ChatVisitors]:
    opened = ChatVisitors(browser)
    with contextlib.closing(opened):
        yield opened
        assert opened.problems == []


def enter_both(visitors: ChatVisitors, cluster: ChatCluster) -> tuple[Page, Page]:
    """Let two people enter, on two nodes."""
    ada = visitors.enter(cluster, "Ada", color_scheme="dark")
    grace = visitors.enter(cluster, "Grace", color_scheme="light")
    # nginx chooses the node with fewer connections, and other requests of the page may count, too.
    for _ in range(50):
        if node_of(grace) != node_of(ada):
            return ada, grace
        grace.reload()
        expect_live(grace)
    raise AssertionError(f"nginx always chose {node_of(ada)}")


def test_two_browsers_on_two_nodes_survive_the_kill_of_one_node(visitors: ChatVisitors, cluster: ChatCluster) -> None:
    ada, grace = enter_both(visitors, cluster)
    assert {node_of(ada), node_of(grace)} == {"node 1", "node 2"}
    for page, names in ((ada, ["AAda (you)", "GGrace"]), (grace, ["AAda", "GGrace (you)"])):
        expect(people(page)).to_have_text(names)
    said: list[str] = []
    for number, line in enumerate(LINES):
        said.append(line)
        say((ada, grace)[number % 2], line)
        for page in (ada, grace):
            expect(texts(page)).to_have_text(said)

    # All nodes share the history.
    newcomer = visitors.enter(cluster, "Katherine")
    expect(texts(newcomer)).to_have_text(said)
    expect(people(ada)).to_have_count(3)
    newcomer.close()
    expect(people(ada)).to_have_count(2)
    take_picture(ada, "node_1")
    take_picture(grace, "node_2")

    survivor = node_of(grace)
    for number in range(1, 19):
        # Without waiting for Ada, because messages sent while her page is disconnected could get lost.
        said.append(f"number {number}")
        say(grace, said[-1])
        expect(texts(grace)).to_have_count(len(said))
        if number == 6:
            cluster.kill(node_of(ada))
    expect(ada.locator("#node")).to_have_text(f"on {survivor}")
    expect_live(ada)
    expect(texts(ada)).to_have_text(said)
    say(ada, "Now I am on yours.")
    said.append("Now I am on yours.")
    for page in (ada, grace):
        expect(texts(page)).to_have_text(said)
        expect(page.locator(".missed, .pending")).to_have_count(0)
        expect(people(page)).to_have_count(2)
    take_picture(ada, "after_the_kill")
    grace.reload()
    expect(texts(grace)).to_have_text(said)


def test_messages_written_while_their_node_dies_arrive_once(visitors: ChatVisitors, cluster: ChatCluster) -> None:
    ada, grace = enter_both(visitors, cluster)
    said = []
    for number in range(1, 13):
        if number == 6:
            cluster.kill(node_of(ada))
        said.append(f"number {number}")
        # Some messages are in transit when the node dies, and it is unknown whether they have arrived.
        say(ada, said[-1])
    expect(ada.locator("#node")).to_have_text(f"on {node_of(grace)}")
    expect(ada.locator(".pending")).to_have_count(0)
    for page in (ada, grace):
        expect(texts(page)).to_have_count(len(said))
        assert sorted(texts(page).all_text_contents()) == sorted(said)
        expect(page.locator(".missed")).to_have_count(0)


def test_a_killed_node_is_restarted() -> None:
    with running("--restart", "0.05") as cluster:
        before = cluster.processes
        cluster.kill("node 1")
        cluster.wait_for("node 1 ended with status -9, and is started again")
        cluster.wait_for("node 1 is back")
        assert cluster.processes["node 1"] != before["node 1"]
        with urllib.request.urlopen(cluster.url, timeout=DEADLINE) as answer:
            assert answer.status == 200


def test_without_its_broker_the_cluster_ends() -> None:
    cluster = ChatCluster()
    cluster.kill("Valkey")
    cluster.wait_for("cluster.py: Valkey ended with status -9")
    assert cluster.wait() == 1


def test_a_port_in_use_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "examples/chat/cluster.py", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
    assert ended.returncode == 1
    assert ended.stderr == f"cluster.py: port {port} is taken: choose another one, such as PORT={port + 1}\n"


def test_sigterm_ends_all_too() -> None:
    cluster = ChatCluster()
    assert cluster.stop(signal.SIGTERM) == 0
    assert "All has ended." in cluster.output
