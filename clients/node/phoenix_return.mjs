import WebSocket from "ws";

globalThis.window = globalThis;
globalThis.addEventListener ??= () => {};
const { Socket } = await import("phoenix");
for (const url of process.argv.slice(2)) new Socket(url, { transport: WebSocket }).connect();
