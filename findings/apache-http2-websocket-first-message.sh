#!/usr/bin/env bash
# Apache 2.4.71 holds back the first message of a websocket over HTTP/2 if the server sends it together with its handshake.
#
# Expected: with `H2WebSockets on`, a frame that the server sends right after its 101 reaches the client, as over HTTP/1.1.
# Found: if Apache reads the 101 and a frame in one piece, the frame stays in Apache until the server sends more data. A
# client that waits for a greeting waits forever. A frame that is sent 50 ms after the 101 arrives at once. Over HTTP/1.1
# both arrive at once.
#
# Output seen (httpd 2.4.71, h2 4.4.0; received within 2 s; after the server has sent another frame):
#   in one piece with the 101: no, then yes
#   50 ms after the 101: yes
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${apache:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
for package in apache2-bin=2.4.71-1~deb12u1 libapr1 libaprutil1 libjansson4 liblua5.3-0 libnghttp2-14 libxml2; do
    apt-get download --quiet "$package" >/dev/null 2>&1
done
for file in ./*.deb; do dpkg-deb --extract "$file" root; done
LD_LIBRARY_PATH=$(echo "$folder"/root/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check h2==4.4.0 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem 2>/dev/null
read -r front back < <(python3 -c '
import socket
a, b = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
print(a.getsockname()[1], b.getsockname()[1])')
for module in mpm_event authz_core socache_shmcb http2 proxy proxy_http ssl; do
    echo "LoadModule ${module}_module $folder/root/usr/lib/apache2/modules/mod_$module.so"
done >apache.conf
cat >>apache.conf <<EOF
ServerName localhost
ServerRoot $folder
DefaultRuntimeDir $folder
PidFile $folder/apache.pid
ErrorLog $folder/error.log
Listen 127.0.0.1:$front
<IfModule unixd_module>
    User $(id -un)
</IfModule>
<VirtualHost *:$front>
    Protocols h2 http/1.1
    H2WebSockets on
    SSLEngine on
    SSLCertificateFile $folder/cert.pem
    SSLCertificateKeyFile $folder/key.pem
    ProxyPass / http://127.0.0.1:$back/ upgrade=websocket
</VirtualHost>
EOF
[[ $(id -u) != 0 ]] || { sed -i 's/User .*/User www-data\n    Group www-data/' apache.conf && chmod 755 "$folder"; }
root/usr/sbin/apache2 -f "$folder/apache.conf" -DFOREGROUND &
apache=$!
cat >finding.py <<'EOF'
import asyncio
import base64
import contextlib
import hashlib
import ssl
import sys

import h2.connection
import h2.events

FRONT, BACK = int(sys.argv[1]), int(sys.argv[2])
GREETING = b"\x81\x05hello"
MORE = b"\x81\x04more"


async def server(reader, writer):
    with contextlib.suppress(asyncio.CancelledError):
        await serve(reader, writer)
    writer.close()


async def serve(reader, writer):
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
    key = next(value for name, value in fields.items() if name.lower() == "sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    answer = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode()
    if "/together" in head:
        writer.write(answer + GREETING)
    else:
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(GREETING)
    await reader.read(100)
    writer.write(MORE)
    await reader.read(100)


async def visit(path):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    for _ in range(100):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", FRONT, ssl=context)
            break
        except OSError:
            await asyncio.sleep(0.1)
    http = h2.connection.H2Connection()
    http.initiate_connection()
    received = bytearray()
    state = {"status": None}

    async def read_until(done):
        async with asyncio.timeout(2):
            while not done():
                writer.write(http.data_to_send())
                for event in http.receive_data(await reader.read(65536)):
                    if isinstance(event, h2.events.ResponseReceived):
                        state["status"] = dict(event.headers)[b":status"]
                    elif isinstance(event, h2.events.DataReceived):
                        received.extend(event.data)

    await read_until(lambda: http.remote_settings.enable_connect_protocol)
    http.send_headers(1, [
        (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", path),
        (":authority", "localhost"), ("sec-websocket-version", "13"),
    ])
    await read_until(lambda: state["status"])
    assert state["status"] == b"200", state
    try:
        await read_until(lambda: bytes(received) == GREETING)
        return "yes"
    except TimeoutError:
        http.send_data(1, b"\x81\x84\x00\x00\x00\x00poke")
        await read_until(lambda: bytes(received) == GREETING + MORE)
        return "no, then yes"


async def main():
    async with await asyncio.start_server(server, "127.0.0.1", BACK):
        found = {"in one piece with the 101": await visit("/together"), "50 ms after the 101": await visit("/apart")}
    for name, value in found.items():
        print(f"{name}: {value}")
    assert found == {"in one piece with the 101": "no, then yes", "50 ms after the 101": "yes"}


asyncio.run(main())
EOF
env/bin/python finding.py "$front" "$back"
