/** A connection to a room with npm `centrifuge`: the SDK reconnects by itself, and recovers missed messages. */

/* global Centrifuge */

const SHOWN = 100; // messages that are loaded if too many were missed
const WORDS = { 107: "That is no message for the room.", 111: "That was too fast. Wait a moment, then send it again." };
const UNANSWERED = 100; // lower codes are those of the SDK: the result of the call is unknown

/** Return a client as the page shows it. The name of each client is in `connInfo`. */
function asPerson({ client, user, connInfo }) {
  return { member: client, id: user, name: connInfo?.name ?? "" };
}

export class Live {
  /**
   * @param {string} url of the websocket
   * @param {object} handlers as those of `live.js`
   */
  constructor(url, handlers) {
    const page = document.body.dataset;
    this.handlers = handlers;
    this.hasEnded = false;
    this.isOpen = false;
    this.early = [];
    this.name = page.room;
    const place = new URL(url, location.href);
    place.protocol = place.protocol.replace("http", "ws");
    this.client = new Centrifuge(place.href);
    // The page begins with the latest messages; from then on the SDK knows its position.
    const since = { epoch: page.epoch, offset: Number(page.offset) };
    this.room = this.client.newSubscription(page.channel, { since, joinLeave: true });
    this.client.on("connected", ({ data }) => (this.node = data?.node ?? ""));
    this.client.on("connecting", ({ code }) => this.#lost(code === 0 ? "connecting" : "lost"));
    this.client.on("disconnected", () => this.#ended());
    this.room.on("subscribed", (context) => this.#welcome(context));
    this.room.on("subscribing", () => (this.isOpen = false));
    this.room.on("publication", ({ data }) => handlers.onEvent({ type: "message", message: data }));
    for (const type of ["join", "leave"]) this.room.on(type, ({ info }) => this.#take({ type, data: asPerson(info) }));
    window.addEventListener("pageshow", (event) => event.persisted && location.reload());
    this.room.subscribe();
  }

  /** Call `say`. Without an answer the message is sent again after reconnecting, with the same id: it is shown once. */
  send(message) {
    this.client.rpc("say", { message, room: this.name }).catch(({ code, message: words }) => {
      if (code >= UNANSWERED) this.handlers.onEvent({ type: "error", id: message.id, text: WORDS[code] ?? words });
    });
  }

  /** Connect, at once if the SDK waits for its next attempt. */
  connect() {
    if (this.hasEnded || this.client.state === "connected") return;
    this.isHurrying = true;
    this.client.disconnect();
    this.isHurrying = false;
    this.client.connect();
  }

  async #welcome({ wasRecovering, recovered }) {
    const { room } = this;
    this.early = [];
    this.isListing = true;
    try {
      const { clients } = await room.presence();
      if (wasRecovering && !recovered) await this.#load();
      if (room.state !== "subscribed") return;
      const people = Object.values(clients).map(asPerson);
      this.isOpen = true;
      this.handlers.onEvent({ type: "welcome", recovered: wasRecovering ? recovered : null, people, node: this.node });
      // Joins and leaves that came before the list may be newer than it.
      for (const event of this.early) this.handlers.onEvent(event);
      this.handlers.onState("open", "Live");
    } catch {
      // The connection has ended meanwhile, so all of this is repeated.
    } finally {
      this.isListing = false;
    }
  }

  async #load() {
    const { publications } = await this.room.history({ limit: SHOWN, reverse: true });
    for (const { data } of publications.reverse()) this.handlers.onEvent({ type: "message", message: data });
  }

  #take(event) {
    if (this.isListing) this.early.push(event);
    else this.handlers.onEvent(event);
  }

  #lost(state) {
    this.isOpen = false;
    this.handlers.onState(state, state === "connecting" ? "Connecting" : "Not connected");
  }

  #ended() {
    if (this.isHurrying) return;
    this.hasEnded = true;
    this.#lost("lost");
    this.handlers.onEnd();
  }
}
