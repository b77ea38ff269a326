#!/usr/bin/env bash
# sockette 2.0.6 does not reconnect after close code 1001, "going away", which servers send when they stop.
#
# Expected: the client reconnects after 1001 as it does after 1012: "a server going down" is the example of RFC 6455, 7.4.1.
# Found: 1001 is final, as 1000 is. After 1012 the client reconnects within one second.
#
# Output seen:
#   1000: 1 connection
#   1001: 1 connection
#   1012: 2 connections
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund sockette@2.0.6 ws@8.23.0
cat >finding.mjs <<'EOF'
import Sockette from "sockette";
import * as ws from "ws";

globalThis.WebSocket = ws.WebSocket;

async function count(code) {
  let connections = 0;
  const server = new ws.WebSocketServer({ port: 0 });
  server.on("connection", (socket) => { if (++connections === 1) socket.close(code); });
  await new Promise((resolve) => server.on("listening", resolve));
  new Sockette(`ws://127.0.0.1:${server.address().port}`);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  return connections;
}

const [normal, away, restart] = await Promise.all([1000, 1001, 1012].map(count));
console.log(`1000: ${normal} connection\n1001: ${away} connection\n1012: ${restart} connections`);
process.exit(normal === 1 && away === 1 && restart === 2 ? 0 : 1);
EOF
node finding.mjs
