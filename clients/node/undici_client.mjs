import { WebSocket } from "undici";
import { print, talk } from "./talking.mjs";

talk(WebSocket, process.argv[2], print);
