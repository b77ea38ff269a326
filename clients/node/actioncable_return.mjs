import WebSocket from "ws";

globalThis.addEventListener ??= () => {};
globalThis.removeEventListener ??= () => {};
globalThis.document ??= { visibilityState: "visible" };
const { adapters, createConsumer } = await import("@rails/actioncable");
adapters.WebSocket = WebSocket;
for (const url of process.argv.slice(2)) createConsumer(url).connect();
