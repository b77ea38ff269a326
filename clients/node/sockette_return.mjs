import WebSocket from "ws";
import Sockette from "sockette";

globalThis.WebSocket = WebSocket;
for (const url of process.argv.slice(2)) new Sockette(url);
