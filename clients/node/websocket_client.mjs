import websocket from "websocket";
import { print, talk } from "./talking.mjs";

talk(websocket.w3cwebsocket, process.argv[2], print);
