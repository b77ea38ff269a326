// Calls in both directions, and in batches, with json-rpc-2.0. Called with the port of the server.
import assert from "node:assert/strict";
import { once } from "node:events";
import jsonRpc from "json-rpc-2.0";
import WebSocket from "ws";

const { JSONRPCClient, JSONRPCServer, JSONRPCServerAndClient } = jsonRpc;
const socket = new WebSocket(`ws://127.0.0.1:${process.argv[2]}/api`);
await once(socket, "open");
const send = (message) => Promise.resolve(socket.send(JSON.stringify(message)));
const both = new JSONRPCServerAndClient(new JSONRPCServer(), new JSONRPCClient(send));
socket.on("message", (data) => both.receiveAndSend(JSON.parse(data.toString())));

assert.equal(await both.request("add", { a: 1, b: 2 }), 3);
assert.equal(await both.request("add", [1, 2]), 3);
assert.equal(await both.request("nothing"), null);
const error = await both.request("refuse", [17]).then(() => assert.fail("not refused"), (error) => error);
assert.deepEqual([error.code, error.message, error.data], [17, "no seats left", { wait: 5 }]);

both.addMethod("double", ([number]) => 2 * number);
assert.equal(await both.request("ask", { number: 21 }), 42);
const event = new Promise((resolve) => both.addMethod("added", resolve));
both.notify("added", { name: "ada", count: 2 });
assert.deepEqual(await event, { name: "ada", count: 2 });

const batch = Array.from({ length: 20 }, (_, index) => ({
  jsonrpc: "2.0", id: 1000 + index, method: "add", params: [index, 1],
}));
const replies = await both.client.requestAdvanced(batch);
assert.deepEqual(
  replies.map((reply) => reply.result).sort((a, b) => a - b),
  Array.from({ length: 20 }, (_, index) => index + 1),
);
socket.close();
console.log("all as expected");
process.exit(0);
