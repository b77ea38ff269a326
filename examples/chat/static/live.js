/** A connection to a room that comes back by itself, and goes on where it was: nothing missed, nothing doubled. */

const FIRST_WAIT = 500; // milliseconds before the first new try; each further one waits twice as long
const LONGEST_WAIT = 15_000;
const SOON = 1_000; // the longest wait where the server has asked to come back
const DEADLINE = 8_000; // for a connection, and for an answer to what was sent
const STABLE = 5_000; // a connection that lasted this long was a good one: the waits start over
const COME_BACK = [1012, 1013]; // the server restarts; this page did not keep up, or the broker is away
const NOT_ALLOWED = 1008; // there is no name in the session any more

const WORDS = { [-32029]: "That was too fast. Wait a moment, then send it again.", [-32602]: "That is no message for the room." };

/** Return what the page shows for a message of JSON-RPC; nothing for the reply to a call that succeeded. */
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
    this.position = null; // up to where this page has everything, as the server wrote it
    this.tries = 0;
    window.addEventListener("online", () => this.connect());
    // A page that is left must not come back from memory with a connection that has ended.
    window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  }

  /** Whether something can be sent: the server has taken this page into the room. */
  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN && this.welcomed !== Infinity;
  }

  /** Call `say`, and give the connection up when nothing at all comes back. The id of the message is that of the call. */
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
    // Joins and leaves that came before the list of those who are here may be newer than it: they come once more.
    if (event.type === "welcome") {
      this.welcomed = performance.now();
      // As long as nothing was said, this is where to go on.
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
    // One that was given up says so only much later.
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
    // The jitter keeps all the pages of one server from coming back at the same moment.
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
