/** The conversation: prompts go out, tokens come in one by one, and the model uses the tools of this page. */

import { Api } from "./rpc.js";

const find = (id) => document.getElementById(id);
const [form, prompt, list, stop, again] = ["ask", "prompt", "messages", "stop", "again"].map(find);
const CANCELLED = -32800;

const api = new Api("/api", {
  onState(state, words) {
    find("link").dataset.state = state;
    find("state").textContent = words;
    again.hidden = state !== "lost";
  },
  onWait: (seconds) => (find("countdown").textContent = seconds ? `again in ${seconds} s` : ""),
});

let running; // stops the answer under way

function add(kind, words = "") {
  const item = document.createElement("li");
  item.className = kind;
  item.textContent = words;
  list.append(item);
  find("empty").hidden = true;
  showNewest();
  return item;
}

function showNewest() {
  find("scroll").scrollTop = find("scroll").scrollHeight;
}

function setRunning(controller) {
  running = controller;
  stop.hidden = !controller;
  find("send").hidden = Boolean(controller);
  list.ariaBusy = Boolean(controller);
}

async function ask(words) {
  if (running || !words.trim()) return;
  add("asked", words.trim());
  let item;
  let count = 0;
  const began = performance.now();
  const controller = new AbortController();
  setRunning(controller);
  const onItem = (part) => {
    if (part.type === "tool") {
      item = undefined;
      add("tool", LABELS[part.name] ?? part.name);
      return;
    }
    count += 1;
    item ??= add("answer running");
    item.textContent += item.textContent ? part.text : part.text.trimStart();
    showNewest();
  };
  let fate = "";
  try {
    await api.call("answer", { prompt: words.trim() }, { signal: controller.signal, onItem });
  } catch (error) {
    const wait = error.data?.retry_after;
    fate = error.code === CANCELLED ? "stopped" : wait ? `too many questions: wait ${Math.ceil(wait)} s` : error.message;
  }
  for (const each of list.querySelectorAll(".running")) each.classList.remove("running");
  for (const each of list.querySelectorAll(".question")) each.remove();
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  add("fate", [`${count} tokens in ${seconds} s`, fate].filter(Boolean).join(" · "));
  setRunning();
  prompt.focus();
}

/* The tools of this page */

const LABELS = { read_clock: "reads your clock", set_theme: "changes the theme", confirm: "asks you", forget: "clears the page" };

api.provide("read_clock", () => {
  const now = new Date();
  return now.toLocaleString("en", { weekday: "long", hour: "2-digit", minute: "2-digit" });
});
api.provide("set_theme", ({ theme }) => {
  document.documentElement.dataset.theme = theme;
});
api.provide("forget", () => {
  list.replaceChildren();
});
api.provide("confirm", ({ question }) => new Promise((resolve) => {
  const item = add("question");
  const words = document.createElement("span");
  words.textContent = question;
  item.append(words);
  for (const [label, result] of [["Yes", true], ["No", false]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => {
      item.remove();
      prompt.focus();
      resolve(result);
    });
    item.append(button);
  }
  showNewest();
  item.querySelector("button").focus();
}));

/* What the visitor does */

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const words = prompt.value;
  if (running || !words.trim()) return;
  prompt.value = "";
  ask(words);
});
stop.addEventListener("click", () => running?.abort());
document.addEventListener("keydown", (event) => event.key === "Escape" && running?.abort());
again.addEventListener("click", () => api.connect());
for (const button of document.querySelectorAll("[data-prompt]")) {
  button.addEventListener("click", () => ask(button.dataset.prompt));
}
api.connect();
