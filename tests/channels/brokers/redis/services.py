"""A service for a test: a primary, its replica, and Sentinels that watch over them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import redis

from tests.ports import free_port
from tests.valkey import Valkey, running_sentinel, running_valkey

SERVICE = "main"


class Service:
    """A primary, a replica and Sentinels.

    Attributes:
        servers: the primary and the replica, as they were at first.
        sentinels: the Sentinels.
        url: as the broker is given it.
    """

    def __init__(self, servers: Sequence[Valkey], sentinels: Sequence[Valkey], login: str = "") -> None:
        self.servers = servers
        self.sentinels = sentinels
        hosts = ",".join(sentinel.address for sentinel in sentinels)
        self.url = f"redis+sentinel://{login}{hosts}/{SERVICE}"

    def primary(self, sentinel_password: str = "") -> int:
        """Return the port of the primary according to the first Sentinel that answers."""
        for sentinel in self.sentinels:
            try:
                with redis.Redis(port=sentinel.port, password=sentinel_password or None) as client:
                    return int(client.sentinel_get_master_addr_by_name(SERVICE)[1])
            except redis.ConnectionError:
                continue
        raise AssertionError("no Sentinel answered")

    def fail_over(self) -> None:
        """Let the replica take over from a healthy primary, and wait until it has."""
        before = self.primary()
        with self.sentinels[0].client() as client:
            client.execute_command("SENTINEL", "FAILOVER", SERVICE)
        end = time.monotonic() + 30
        while self.primary() == before:
            assert time.monotonic() < end, "no failover"
            time.sleep(0.05)


@contextmanager
def running_service(
    sentinels: int = 3, program: Sequence[str] = (), password: str = "", sentinel_password: str = ""
) -> Iterator[Service]:
    """Run a service while the block does.

    Arguments:
        program: the command of a Sentinel, by default that of Valkey.
        password: of the servers.
        sentinel_password: of the Sentinels.
    """
    with ExitStack() as stack:
        primary = stack.enter_context(running_valkey(free_port(), repl_diskless_sync_delay="0"))
        replica = stack.enter_context(
            running_valkey(free_port(), replicaof=f"127.0.0.1 {primary.port}", repl_diskless_sync_delay="0")
        )
        watchers = [stack.enter_context(running_sentinel(program)) for _ in range(sentinels)]
        for watcher in watchers:
            with watcher.client() as client:
                quorum = sentinels // 2 + 1
                client.sentinel_monitor(SERVICE, "127.0.0.1", primary.port, quorum)
                settings = {"down-after-milliseconds": "500", "failover-timeout": "3000"}
                for name, value in settings.items():
                    client.sentinel_set(SERVICE, name, value)
        _wait(watchers)
        if password:
            for watcher in watchers:
                with watcher.client() as client:
                    client.sentinel_set(SERVICE, "auth-pass", password)
            for server in (primary, replica):
                with server.client() as client:
                    client.config_set("masterauth", password)
                    client.config_set("requirepass", password)
        if sentinel_password:
            for watcher in watchers:
                with watcher.client() as client:
                    client.execute_command("SENTINEL", "CONFIG", "SET", "sentinel-pass", sentinel_password)
                    client.execute_command("ACL", "SETUSER", "default", "resetpass", f">{sentinel_password}")
        yield Service([primary, replica], watchers, f":{password}@" if password else "")


def _wait(watchers: Sequence[Valkey]) -> None:
    """Wait until the Sentinels know each other and the replica."""
    end = time.monotonic() + 30
    for watcher in watchers:
        with watcher.client() as client:
            while True:
                state = client.sentinel_masters()[SERVICE]
                if state["num-other-sentinels"] == len(watchers) - 1 and state["num-slaves"] == 1:
                    replicas = client.sentinel_slaves(SERVICE)
                    if all(
                        not replica["is_disconnected"] and replica["master-link-status"] == "ok" for replica in replicas
                    ):
                        break
                assert time.monotonic() < end, f"no service: {state}"
                time.sleep(0.05)
