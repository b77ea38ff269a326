#!/bin/sh
# Runs the test suite of centrifuge-python, unmodified from its sdist, against `emmett serve` with the settings of its
# docker-compose.yml: `make sdk-tests`. The suite wants port 8000.
# Arguments: what to give unittest, such as `tests.test_client`; all by default.
set -eu

cd "$(dirname "$0")/../.."
version=0.7.0
digest=11252b45c3f6b6104cfb07fb0fcfc9d2d62832d2af14715dd16fdc5e9c6e5964
folder=build/sdk-tests
source=$folder/centrifuge_python-$version
root=$(pwd)

if [ ! -d "$source" ]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    # With a pip of its own: .venv has none where uv made it.
    .venv/bin/python -m venv "$folder/venv"
    "$folder/venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
        --no-binary centrifuge-python --dest "$folder" "centrifuge-python==$version"
    echo "$digest  $source.tar.gz" | sha256sum --check --quiet
    "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "websockets>=15,<18" "protobuf>=6.30,<8"
    tar -xzf "$source.tar.gz" -C "$folder"
fi

.venv/bin/emmett -a tools/sdk_tests/app.py serve --port 8000 >"$folder/server.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true' EXIT

cd "$source"
"$root/$folder/venv/bin/python" -m unittest "$@" 2>"$root/$folder/suite.log" || { grep -v '^20' "$root/$folder/suite.log"; exit 1; }
# A server that could not listen would leave the tests to whatever else answers on port 8000.
kill -0 $server || { cat "$root/$folder/server.log"; exit 1; }
tail -n 4 "$root/$folder/suite.log"
