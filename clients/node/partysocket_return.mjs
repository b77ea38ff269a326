import WebSocket from "ws";
import { WebSocket as PartyWebSocket } from "partysocket";

for (const url of process.argv.slice(2)) new PartyWebSocket(url, [], { WebSocket });
