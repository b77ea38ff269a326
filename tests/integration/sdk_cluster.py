"""Two nodes for SDKs with a Valkey between them, and an nginx in front that may block websockets."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.integration.example_pages import DEADLINE, ExampleServer
from tests.ports import free_port
from tests.tools import tool
from tests.valkey import running_valkey

APP = "tests/integration/sdk_node.py"
CONFIGURATION = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/client; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream nodes {{ {servers} }}
    server {{
        listen 127.0.0.1:{port};
        {blocking}
        location / {{
            proxy_pass http://nodes;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }}
    }}
}}
"""
BLOCKING = "location /connection/websocket { return 403; }"


@contextlib.contextmanager
def running_nginx(ports: list[int], *, blocks_websockets: bool) -> Iterator[str]:
    """Run nginx in front of servers, and return its URL. It takes the servers in turn."""
    with tempfile.TemporaryDirectory(prefix="nginx-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port()
        servers = " ".join(f"server 127.0.0.1:{each};" for each in ports)
        blocking = BLOCKING if blocks_websockets else ""
        text = CONFIGURATION.format(folder=folder, port=port, servers=servers, blocking=blocking)
        (folder / "nginx.conf").write_text(text, "utf-8")
        options = ("-p", name, "-e", f"{name}/error.log", "-c", f"{name}/nginx.conf")
        process = subprocess.Popen([tool("nginx"), *options], start_new_session=True)
        try:
            _wait_until_it_listens(process, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait(DEADLINE)


@contextlib.contextmanager
def running_cluster(*, blocks_websockets: bool) -> Iterator[str]:
    """Run all, and return the URL of nginx. The nodes are called `one` and `two`; one of them may die."""
    with running_valkey() as valkey, contextlib.ExitStack() as stack:
        nodes = []
        for name in ("one", "two"):
            environment = {"EMMETT_BROKER": valkey.url, "EMMETT_TEST_NODE": name}
            nodes.append(ExampleServer(name, environment=environment, path=APP))
            stack.callback(_stop, nodes[-1])
        ports = [node.port for node in nodes]
        yield stack.enter_context(running_nginx(ports, blocks_websockets=blocks_websockets))


def _stop(node: ExampleServer) -> None:
    status = node.stop()
    assert status in {0, -signal.SIGKILL}, node.output
    assert "Traceback" not in node.output, node.output


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    while True:
        assert process.poll() is None, f"nginx ended with status {process.returncode}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
