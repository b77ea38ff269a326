#!/usr/bin/env bash
# graphql-ws 6.4.2 on the WebSocket of Node.js (undici 7.30.2) does not reconnect after a dropped connection.
#
# Expected: with `retryAttempts` at its default of 5, the client reconnects after a connection that ended without a Close frame
# (1006), as it does with the WebSocket of npm `ws` 8.23.0 in the same program.
# Found: on undici the client reports a fatal ErrorEvent after the close event with 1006, and never reconnects. The default
# `shouldRetry` accepts only close events.
#
# Output seen:
#   ws: connections 2 or more, fatal none
#   undici: connections 1, fatal ErrorEvent
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund graphql-ws@6.4.2 graphql@16.15.0 ws@8.23.0 undici@7.30.2
cat >finding.mjs <<'EOF'
import { createClient } from "graphql-ws";
import undici from "undici";
import * as ws from "ws";

async function run(WebSocket) {
  let connections = 0, fatal = "none", settle;
  const settled = new Promise((resolve) => (settle = resolve));
  const server = new ws.WebSocketServer({ port: 0, handleProtocols: () => "graphql-transport-ws" });
  server.on("connection", (socket) => {
    if (++connections === 2) settle();
    socket.on("message", () => socket.send('{"type":"connection_ack"}', () => setTimeout(() => socket.terminate(), 100)));
  });
  await new Promise((resolve) => server.on("listening", resolve));
  const client = createClient({
    url: `ws://127.0.0.1:${server.address().port}`,
    webSocketImpl: WebSocket,
    lazy: false,
    onNonLazyError: (error) => { fatal = error.constructor.name; },
  });
  await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, 15000))]);
  client.dispose();
  server.close();
  return { connections, fatal };
}

const [plain, node] = [await run(ws.WebSocket), await run(undici.WebSocket)];
console.log(`ws: connections ${plain.connections}, fatal ${plain.fatal}`);
console.log(`undici: connections ${node.connections}, fatal ${node.fatal}`);
process.exit(plain.connections >= 2 && plain.fatal === "none" && node.connections === 1 && node.fatal === "ErrorEvent" ? 0 : 1);
EOF
node finding.mjs
