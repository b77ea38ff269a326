import { WebSocket as PartyWebSocket } from "partysocket";
import { WebSocket } from "undici";

for (const url of process.argv.slice(2)) new PartyWebSocket(url, [], { WebSocket });
