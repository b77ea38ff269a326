/* The log of a connection: sent and received messages, with their times. */

const MAX_ENTRIES = 200;
const MAX_ITEMS = 100;

function formatTime(milliseconds) {
  if (milliseconds < 0.1) return "< 0.1 ms";
  return milliseconds < 1000 ? `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

/** Return a value as JSON, on one line if it is short. */
function pretty(value) {
  if (typeof value === "string") return JSON.stringify(value);
  const line = JSON.stringify(value) ?? "nothing";
  return line.length <= 72 ? line : JSON.stringify(value, null, 2);
}

class Log {
  constructor() {
    this.list = h("ol", { class: "log", role: "log", "aria-label": "What was sent and received", tabindex: "0" });
  }

  /** Add an entry and return it. `end` and `item` add to it later. */
  add(kind, name, text = "") {
    const isAtEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    const entry = {
      time: h("span", { class: "time" }),
      body: h("pre", { class: "body" }),
      items: h("ol", { class: "items" }),
      actions: h("span", { class: "actions" }),
      started: performance.now(),
      count: 0,
    };
    const clock = new Date().toLocaleTimeString([], { hour12: false });
    entry.element = h(
      "li",
      { "data-kind": kind },
      h("div", { class: "line" }, h("span", { class: "kind" }, kind), h("b", null, name), entry.actions, entry.time, h("time", null, clock)),
      text === "" ? "" : h("pre", { class: "first" }, text),
      entry.items,
    );
    entry.items.hidden = true;
    this.list.append(entry.element);
    while (this.list.children.length > MAX_ENTRIES) this.list.firstChild.remove();
    this.follow(isAtEnd);
    return entry;
  }

  /** Show how a call ended. */
  end(entry, kind, text) {
    const isAtEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    entry.element.dataset.kind = kind;
    entry.element.querySelector(".kind").textContent = kind;
    entry.time.textContent = formatTime(performance.now() - entry.started);
    entry.actions.replaceChildren();
    if (text !== "") {
      entry.body.textContent = text;
      entry.element.append(entry.body);
    }
    this.follow(isAtEnd);
  }

  /** Add an item of a stream. */
  item(entry, text) {
    const isAtEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    const passed = performance.now() - entry.started;
    entry.items.hidden = false;
    entry.count += 1;
    entry.items.append(h("li", { value: entry.count }, h("code", null, text), h("span", { class: "at" }, formatTime(passed))));
    while (entry.items.children.length > MAX_ITEMS) entry.items.firstChild.remove();
    entry.time.textContent = `${entry.count} ${entry.count === 1 ? "item" : "items"} · ${formatTime(passed)}`;
    this.follow(isAtEnd);
  }

  clear() {
    this.list.replaceChildren();
  }

  follow(isAtEnd) {
    if (isAtEnd) this.list.scrollTop = this.list.scrollHeight;
  }
}
