#!/bin/sh
# Installs the packages of the tests that run Node.js: clients, pyright, tsc and the parser of AsyncAPI. Without node or npm it
# does nothing: pytest then names the tests that did not run.
set -eu

cd "$(dirname "$0")/../tests/integration/node"
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || exit 0

stamp=node_modules/emmett-setup
wanted=$(cksum <package-lock.json)
if [ -d node_modules/ws ] && [ -d node_modules/pyright ] && [ -d node_modules/@asyncapi/parser ] &&
    [ -d node_modules/vscode-ws-jsonrpc ] && [ -d node_modules/typescript ] &&
    [ -d node_modules/centrifuge ] && [ "$(cat $stamp 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi
echo "Installing the packages of the tests for Node.js" >&2
if npm ci --silent --no-audit --no-fund; then
    echo "$wanted" >$stamp
else
    echo "npm ci failed in tests/integration/node: the tests that need Node.js will not run." >&2
fi
