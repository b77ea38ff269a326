// Talks to the echo of the documentation with `ws`, and fails at the first answer that is not what was sent.
// Called with the port of the server.
import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";

const url = `ws://127.0.0.1:${process.argv[2]}`;
const MIB = 1024 * 1024;

async function open(path, protocols = []) {
  const client = new WebSocket(url + path, protocols);
  await once(client, "open");
  return client;
}

async function echoed(client, send, expected) {
  const answer = once(client, "message");
  send();
  const [data, binary] = await answer;
  assert.equal(binary, typeof expected !== "string");
  assert.ok(Buffer.from(expected).equals(data), `not what was sent: ${data.length} bytes`);
}

const client = await open("/echo");
const messages = ["text", "", "é☃😀", Buffer.from([0, 255, 128]), Buffer.alloc(0), "x".repeat(MIB - 1), Buffer.alloc(MIB - 1, 7)];
for (const message of messages) {
  await echoed(client, () => client.send(message), message);
}
const pieces = Array.from({ length: 64 }, (_, index) => Buffer.alloc(16384, index));
await echoed(
  client,
  () => pieces.forEach((piece, index) => client.send(piece, { binary: true, fin: index === pieces.length - 1 })),
  Buffer.concat(pieces),
);
const pong = once(client, "pong");
client.ping("are you there");
assert.equal((await pong)[0].toString(), "are you there");
const closed = once(client, "close");
client.close(4001, "enough");
const [code, reason] = await closed;
assert.deepEqual([code, reason.toString()], [4001, ""]);

const chosen = await open("/chosen", ["chat.v1", "chat.v2"]);
assert.equal(chosen.protocol, "chat.v2");
const [left, why] = await once(chosen, "close");
assert.deepEqual([left, why.toString()], [4000, "bye"]);

const refused = new WebSocket(`${url}/unknown`);
const [, response] = await once(refused, "unexpected-response");
assert.equal(response.statusCode, 404);
response.destroy();
console.log("all as sent");
