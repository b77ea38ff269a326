// `ws` on Node.js as its documentation shows it. Called with the folder that holds node_modules.
import cluster from "node:cluster";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";

const { WebSocketServer, WebSocket } = createRequire(`${process.argv[2]}/`)("ws");
const { host, port, certificate, key, deflate, workers } = JSON.parse(process.env.BENCH_OPTIONS);

const members = new Set();
const readers = new Set();

// Written out for this one shape, so cheaper than any validation library.
function checked(order) {
  const { id, name, price, quantity, tags } = order;
  const right =
    Number.isInteger(id) &&
    typeof name === "string" &&
    typeof price === "number" &&
    Number.isInteger(quantity) &&
    Array.isArray(tags) &&
    tags.every((tag) => typeof tag === "string");
  if (!right) throw new TypeError("not an order");
  return order;
}

function send(sockets, data, binary) {
  for (const socket of sockets) {
    if (socket.readyState === WebSocket.OPEN) socket.send(data, { binary });
  }
}

const handlers = {
  echo: (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })),
  json: (socket) =>
    socket.on("message", (data) => {
      const { id, name, price, quantity } = checked(JSON.parse(data));
      socket.send(JSON.stringify({ id, name, total: price * quantity }));
    }),
  broadcast: (socket) => {
    members.add(socket);
    socket.on("close", () => members.delete(socket));
    socket.on("message", (data, binary) => send(members, data, binary));
  },
  reader: (socket) => {
    readers.add(socket);
    socket.on("close", () => readers.delete(socket));
  },
  producer: (socket) => socket.on("message", (data, binary) => send(readers, data, binary)),
};

function respond(request, response) {
  if (request.url === "/plaintext") {
    response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": 13 });
    response.end("Hello, World!");
  } else if (request.url === "/jsonhttp") {
    const body = JSON.stringify({ message: "Hello, World!" });
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
    response.end(body);
  } else {
    response.writeHead(404);
    response.end();
  }
}

function serve() {
  const server = certificate
    ? https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, respond)
    : http.createServer(respond);
  const websockets = new WebSocketServer({ server, perMessageDeflate: deflate });
  websockets.on("connection", (socket, request) => {
    socket.on("error", () => socket.terminate());
    handlers[request.url.split("/")[1]](socket);
  });
  server.listen({ port, host, backlog: 2048 });
}

if (workers > 1 && cluster.isPrimary) {
  for (let number = 0; number < workers; number++) cluster.fork();
} else {
  serve();
}
