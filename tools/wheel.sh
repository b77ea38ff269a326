#!/bin/sh
# Builds the wheel in dist/, with pip where .venv has it and with uv otherwise. `make wheel` calls it.
set -eu

cd "$(dirname "$0")/.."
if .venv/bin/python -m pip --version >/dev/null 2>&1; then
    .venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
else
    uv build --quiet --wheel --out-dir dist .
fi
ls dist/emmett-*.whl
