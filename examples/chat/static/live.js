/** A connection to a room that reconnects by itself and continues where it was: nothing is missed or doubled. */

const FIRST_WAIT = 500; // milliseconds before the first new attempt; each further one waits twice as long
const LONGEST_WAIT = 15_000;
const SOON = 1_000; // the longest pause if the server has asked to come back
const DEADLINE = 8_000; // milliseconds for connecting, and for an answer
const STABLE = 5_000; // milliseconds after which a connection counts as stable: the pauses are reset
const COME_BACK = [1012, 1013]; // the server restarts; this page did not keep up, or the broker is unavailable
const NOT_ALLOWED = 1008; // the session has no name any more

const WORDS = { [-32029]: "That was too fast. Wait a moment, then send it again.", [-32602]: "That is no message for the room." };

/** Return what the page shows for a JSON-RPC message; nothing for the reply to a call that succeeded. */
function asEvent({ id, method, params, error }) {
  if (method === "published") return params.type === "message" ? { ...params, message: JSON.parse(params.data) } : params;
  if (method) return { type: method, ...params };
  return error && { type: "error", id, text: WORDS[error.code] ?? error.message };
}

export class Live {
  /**
   * @param {string} url of the websocket
   * @param {{onEvent: (event: object) => void, onState: (state: string, text: string) => void,
   *          onWait: (seconds: number) => void, onEnd: () => void}} handlers
   */
  constructor(url, handlers) {
    this.url = url;
    this.handlers = handlers;
    this.position = null; // the position up to which this page has everything, as the server sent it
    this.tries = 0;
    window.addEventListener("online", () => this.connect());
    // A page that the browser restores from memory must not have a connection that has ended.
    window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  }

  /** Whether messages can be sent: the server has subscribed this page to the room. */
  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN && this.welcomed !== Infinity;
  }

  /** Call `say`, and give up the connection if nothing comes back. The id of the message is that of the call. */
  send(message) {
    this.socket.send(JSON.stringify({ jsonrpc: "2.0", id: message.id, method: "say", params: message }));
    this.#watch(this.socket);
  }

  connect() {
    if (this.socket || this.hasEnded) return;
    clearInterval(this.timer);
    this.handlers.onWait(0);
    this.handlers.onState("connecting", "Connecting");
    const url = new URL(this.url, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    if (this.position) url.searchParams.set("since", this.position);
    const socket = (this.socket = new WebSocket(url));
    this.welcomed = Infinity;
    this.early = [];
    this.#watch(socket);
    socket.addEventListener("message", (event) => socket === this.socket && this.#take(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => this.#lost(socket, event.code));
  }

  #watch(socket) {
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => {
      this.#lost(socket);
      socket.close();
    }, DEADLINE);
  }

  #take(message) {
    clearTimeout(this.deadline);
    const event = asEvent(message);
    if (!event) return;
    // Joins and leaves that came before the list of members may be newer than it: apply them again.
    if (event.type === "welcome") {
      this.welcomed = performance.now();
      // As long as there is no message, this is where to continue.
      this.position ??= event.since;
    } else if (this.welcomed === Infinity && (event.type === "join" || event.type === "leave")) {
      this.early.push(event);
    }
    this.handlers.onEvent(event);
    if (event.position) this.position = event.position;
    if (event.type !== "welcome") return;
    for (const each of this.early.splice(0)) this.handlers.onEvent(each);
    this.handlers.onState("open", "Live");
  }

  #lost(socket, code) {
    // A socket that was given up reports its close much later.
    if (socket !== this.socket) return;
    this.socket = undefined;
    clearTimeout(this.deadline);
    if (code === NOT_ALLOWED) {
      this.hasEnded = true;
      this.handlers.onState("lost", "Not connected");
      this.handlers.onEnd();
      return;
    }
    if (performance.now() - this.welcomed >= STABLE) this.tries = 0;
    const isSoon = COME_BACK.includes(code) && this.tries === 0;
    const longest = isSoon ? SOON : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.tries);
    this.tries += 1;
    // The jitter keeps the pages of a server from reconnecting all at the same moment.
    const wait = isSoon ? longest * Math.random() : longest * (0.5 + Math.random() / 2);
    const end = performance.now() + wait;
    this.handlers.onState("lost", "Not connected");
    clearInterval(this.timer);
    const tick = () => {
      const left = end - performance.now();
      if (left <= 0) this.connect();
      else this.handlers.onWait(Math.ceil(left / 1000));
    };
    this.timer = setInterval(tick, 50);
    tick();
  }
}
