// Calls, cancels and follows streams with vscode-jsonrpc over vscode-ws-jsonrpc. Called with the port of the server.
import assert from "node:assert/strict";
import { once } from "node:events";
import vscode from "vscode-jsonrpc";
import { createWebSocketConnection, toSocket } from "vscode-ws-jsonrpc";
import WebSocket from "ws";

const { CancellationTokenSource, ProgressType } = vscode;
const socket = new WebSocket(`ws://127.0.0.1:${process.argv[2]}/api`);
await once(socket, "open");
const silent = { error() {}, warn() {}, info() {}, log() {} };
const connection = createWebSocketConnection(toSocket(socket), silent);
connection.listen();

async function refused(call) {
  const error = await call.then(() => assert.fail("the call was not refused"), (error) => error);
  return { code: error.code, message: error.message, data: error.data };
}

// Parameters by name, by position, and none. The first id is 0.
assert.equal(await connection.sendRequest("add", { a: 1, b: 2 }), 3);
assert.equal(await connection.sendRequest("add", 1, 2), 3);
assert.equal(await connection.sendRequest("nothing"), null);
assert.equal(await connection.sendRequest("echo", "x"), "x");
assert.equal(await connection.sendRequest("echo", null), null);
assert.deepEqual(await connection.sendRequest("echo", [1, 2]), [1, 2]);
const sums = await Promise.all(Array.from({ length: 50 }, (_, index) => connection.sendRequest("add", index, 1)));
assert.deepEqual(sums, Array.from({ length: 50 }, (_, index) => index + 1));

// Errors.
assert.deepEqual(await refused(connection.sendRequest("refuse", { code: 17 })), {
  code: 17,
  message: "no seats left",
  data: { wait: 5 },
});
assert.deepEqual(await refused(connection.sendRequest("fail")), {
  code: -32603,
  message: "Internal error",
  data: undefined,
});
assert.equal((await refused(connection.sendRequest("unknown"))).code, -32601);
assert.equal((await refused(connection.sendRequest("add", { a: "1" }))).code, -32602);

// Cancellation: the call is answered with -32800, and has ended on the server.
for (const method of ["wait", "tick"]) {
  const source = new CancellationTokenSource();
  const call = connection.sendRequest(method, { name: `vscode ${method}` }, source.token);
  source.cancel();
  assert.equal((await refused(call)).code, -32800);
}
assert.deepEqual(
  (await connection.sendRequest("what_was_cancelled")).filter((name) => name.startsWith("vscode")),
  ["vscode wait", "vscode tick"],
);

// A stream, by a token of the client's own: text, and a number.
for (const token of ["mine", 7]) {
  const items = [];
  const following = connection.onProgress(new ProgressType(), token, (item) => items.push(item));
  assert.equal(await connection.sendRequest("count", { to: 3, partialResultToken: token }), null);
  assert.deepEqual(items, [0, 1, 2]);
  following.dispose();
}

// An event in both directions, and a call by the server.
const event = new Promise((resolve) => connection.onNotification("added", resolve));
await connection.sendNotification("added", { name: "ada", count: 2 });
assert.deepEqual(await event, { name: "ada", count: 2 });
connection.onRequest("double", (number) => 2 * number);
assert.equal(await connection.sendRequest("ask", { number: 21 }), 42);

// A waiting call ends with the connection.
const waiting = connection.sendRequest("wait", { name: "left" }).then(() => "answered", () => "rejected");
await connection.sendRequest("leave").catch(() => {});
assert.equal(await waiting, "rejected");
console.log("all as expected");
process.exit(0);
