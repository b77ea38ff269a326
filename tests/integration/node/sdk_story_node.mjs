// The scenario on Node.js: node sdk_story_node.mjs BASE KEY TRANSPORT... Prints how it ended, as JSON.
import { Centrifuge } from "centrifuge";
import { EventSource } from "eventsource";
import WebSocket from "ws";
import { story } from "./sdk_story.mjs";

const [base, key, ...transports] = process.argv.slice(2);
const things = { websocket: WebSocket, eventsource: EventSource, fetch, readableStream: ReadableStream };
console.log(JSON.stringify(await story(Centrifuge, base, transports, key, things)));
process.exit(0);
