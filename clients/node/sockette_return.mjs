import Sockette from "sockette";
import { WebSocket } from "undici";

globalThis.WebSocket = WebSocket;
for (const url of process.argv.slice(2)) new Sockette(url);
