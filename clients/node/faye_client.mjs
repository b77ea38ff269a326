import faye from "faye-websocket";
import { print, talk } from "./talking.mjs";

talk(faye.Client, process.argv[2], print);
