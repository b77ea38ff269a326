#!/usr/bin/env bash
# phoenix 1.8.16 and graphql-ws 6.4.2 reconnect at once, and endlessly, to a server that closes with 1000.
#
# Expected: 1000 means that the conversation is over, so a client does not reconnect, or waits longer each time.
# Found: phoenix reconnects within a few milliseconds, and does so forever, because each open connection resets its back-off.
# graphql-ws does the same if the server closes after the acknowledgement.
#
# Output seen (connections in 3 seconds on a busy machine; the script requires at least ten):
#   phoenix: 185
#   graphql-ws: 512
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund phoenix@1.8.16 graphql-ws@6.4.2 graphql@16.15.0 ws@8.23.0
cat >finding.mjs <<'EOF'
import { createClient } from "graphql-ws";
import * as ws from "ws";

globalThis.window = globalThis;
globalThis.addEventListener ??= () => {};
const { Socket } = await import("phoenix");

async function count(start, greeted) {
  let connections = 0;
  const server = new ws.WebSocketServer({ port: 0, handleProtocols: (names) => [...names][0] });
  server.on("connection", (socket) => {
    connections++;
    if (greeted) socket.on("message", () => socket.send('{"type":"connection_ack"}', () => socket.close(1000)));
    else socket.close(1000);
  });
  await new Promise((resolve) => server.on("listening", resolve));
  start(`ws://127.0.0.1:${server.address().port}`);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  return connections;
}

const phoenix = await count((url) => new Socket(url, { transport: ws.WebSocket }).connect(), false);
const graphql = await count(
  (url) => createClient({ url, webSocketImpl: ws.WebSocket, lazy: false, onNonLazyError: () => {} }), true);
console.log(`phoenix: ${phoenix}\ngraphql-ws: ${graphql}`);
process.exit(phoenix >= 10 && graphql >= 10 ? 0 : 1);
EOF
node finding.mjs
