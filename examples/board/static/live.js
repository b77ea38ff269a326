/** The feed as it happens: over a websocket, or over server-sent events where no websocket can be had. */

const FIRST_WAIT = 500; // milliseconds before the first new try; each further one waits twice as long
const LONGEST_WAIT = 15_000;
const DEADLINE = 8_000; // milliseconds for a connection, and for an answer to what was sent
const STABLE = 5_000; // a connection that lasted this long was a good one: the waits start over
const TRIES = 2; // websockets that never opened though the server was there, before the page turns to server-sent events

export class Live {
  /**
   * @param {{live: string, events: string, api: string}} paths where the feed is
   * @param {{after: () => number, onMessage: (message: object) => void, onState: (state: string, text: string) => void,
   *          onWait: (seconds: number) => void, onLogout: () => void}} handlers
   */
  constructor(paths, handlers) {
    this.paths = paths;
    this.handlers = handlers;
    this.tries = 0;
    this.failed = "WebSocket" in window ? 0 : TRIES;
    window.addEventListener("online", () => this.connect());
    // A page that is left must not come back from memory with a feed that has ended.
    window.addEventListener("pageshow", (event) => event.persisted && location.reload());
    this.connect();
  }

  /** Send over the websocket, which is given up when no answer comes; false when there is none. */
  send(data) {
    const isOpen = this.socket?.readyState === WebSocket.OPEN;
    if (!isOpen) return false;
    this.socket.send(data);
    clearTimeout(this.deadline);
    this.deadline = setTimeout(this.giveUp, DEADLINE);
    return true;
  }

  connect() {
    if (this.source || this.isBusy) return;
    this.isBusy = true;
    clearInterval(this.timer);
    this.handlers.onWait(0);
    this.handlers.onState("connecting", "Connecting");
    if (this.failed < TRIES) this.#openSocket();
    else this.#openEvents();
  }

  #openSocket() {
    const url = new URL(`${this.paths.live}?after=${this.handlers.after()}`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.socket = new WebSocket(url));
    let opened = Infinity;
    const end = (code) => {
      // One that was given up says so only much later.
      if (this.socket !== socket) return;
      this.socket = undefined;
      clearTimeout(this.deadline);
      if (code === 1008) return this.#logout();
      this.#lost(opened, opened === Infinity);
    };
    this.giveUp = () => {
      end();
      socket.close();
    };
    this.deadline = setTimeout(this.giveUp, DEADLINE);
    socket.addEventListener("open", () => {
      if (this.socket !== socket) return;
      clearTimeout(this.deadline);
      opened = performance.now();
      this.failed = 0;
      this.handlers.onState("open", "Live");
    });
    socket.addEventListener("message", (event) => {
      if (this.socket !== socket) return;
      clearTimeout(this.deadline);
      this.handlers.onMessage(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => end(event.code));
  }

  #openEvents() {
    // Its own new tries name the last notice in Last-Event-ID; a new source says it in its address.
    const source = (this.source = new EventSource(`${this.paths.events}?after=${this.handlers.after()}`));
    let opened = Infinity;
    source.addEventListener("open", () => {
      opened = performance.now();
      this.handlers.onState("open", "Live, by events");
    });
    source.addEventListener("message", (event) => this.handlers.onMessage(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return this.handlers.onState("connecting", "Connecting");
      this.source = undefined;
      this.failed = "WebSocket" in window ? 0 : TRIES;
      this.#lost(opened, false);
    });
  }

  async #lost(opened, isRefused) {
    this.handlers.onState("connecting", "Connecting");
    // A refused handshake has no status for a script: ask whether the login has ended.
    const signal = AbortSignal.timeout(DEADLINE);
    const answer = await fetch(`${this.paths.api}?after=${this.handlers.after()}`, { signal }).catch(() => null);
    if (answer?.status === 403) return this.#logout();
    // The server is there, but no websocket: something between does not let them through.
    if (isRefused && answer?.ok) this.failed += 1;
    this.isBusy = false;
    if (performance.now() - opened >= STABLE) this.tries = 0;
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.tries++);
    // The jitter keeps the pages of a server that was restarted from coming back all at the same moment.
    const end = performance.now() + longest * (0.5 + Math.random() / 2);
    this.handlers.onState("lost", "Not connected");
    clearInterval(this.timer);
    const tick = () => {
      const left = end - performance.now();
      if (left <= 0) this.connect();
      else this.handlers.onWait(Math.ceil(left / 1000));
    };
    this.timer = setInterval(tick, 100);
    tick();
  }

  #logout() {
    // Stays busy: there is nothing to connect to any more.
    this.handlers.onState("out", "Logged out");
    this.handlers.onLogout();
  }
}
