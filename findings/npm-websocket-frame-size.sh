#!/usr/bin/env bash
# The client of npm `websocket` 1.0.35 refuses messages above 1 MiB, although its documented limit is 8 MiB.
#
# Expected: `maxReceivedMessageSize` (8 MiB by default) is the limit.
# Found: `maxReceivedFrameSize` (1 MiB) is the limit if a server sends a message in one frame, as most do. The client closes
# with 1009.
#
# Output seen:
#   1 MiB: taken
#   1 MiB + 1: closed with 1009
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund websocket@1.0.35 ws@8.23.0
cat >finding.mjs <<'EOF'
import websocket from "websocket";
import * as ws from "ws";

async function send(size) {
  const server = new ws.WebSocketServer({ port: 0 });
  await new Promise((resolve) => server.on("listening", resolve));
  const client = new websocket.w3cwebsocket(`ws://127.0.0.1:${server.address().port}`);
  const seen = new Promise((resolve) => {
    client.onmessage = ({ data }) => resolve("taken");
    server.on("connection", (socket) => {
      socket.on("close", (code) => resolve(`closed with ${code}`));
      socket.on("error", () => {});
      socket.send(Buffer.alloc(size));
    });
  });
  return seen;
}

const [limit, above] = [await send(1024 * 1024), await send(1024 * 1024 + 1)];
console.log(`1 MiB: ${limit}\n1 MiB + 1: ${above}`);
process.exit(limit === "taken" && above === "closed with 1009" ? 0 : 1);
EOF
node finding.mjs
