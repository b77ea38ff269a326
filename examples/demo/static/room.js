/** The room: its members, their messages, and who is typing. */

import { Connection } from "./connection.js";
import { inventName, recallName, rememberName } from "./names.js";

const IDLE = 3000; // milliseconds without a key after which a member is not typing any more
const TOGETHER = 120; // seconds within which messages of one member are shown together
const ROWS = 300; // messages and notices that stay on the page

const find = (id) => document.getElementById(id);
const messages = find("messages");
const newer = find("newer");
const typing = find("typing");
const say = find("say");
const name = find("name");

const people = new Map();
/** The member numbers that this page has had: each connection is a new member. */
const mine = new Set();
let you = 0;
let latest = null;
let atEnd = true;
let isTyping = false;
let idle;

name.value = recallName();
rememberName(name.value);

const path = () => `/room?name=${encodeURIComponent(name.value)}`;
const connection = new Connection(find("room"), path, { onMessage: receive, onLost: leave });

find("say-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = say.value.trim();
  say.focus();
  if (!text) return;
  if (!send({ type: "say", text })) {
    typing.textContent = "Not connected: your message waits here.";
    return;
  }
  say.value = "";
  isTyping = false;
  clearTimeout(idle);
  scrollToEnd();
});

say.addEventListener("input", () => {
  clearTimeout(idle);
  idle = setTimeout(tellTyping, IDLE, false);
  tellTyping(say.value.trim() !== "");
});

find("name-form").addEventListener("submit", (event) => {
  event.preventDefault();
  rename();
  say.focus();
});
name.addEventListener("change", rename);

newer.addEventListener("click", () => {
  scrollToEnd();
  say.focus();
});
messages.addEventListener("scroll", () => {
  atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 40;
  if (atEnd) newer.hidden = true;
});
// A reader at the latest messages stays there when the keyboard of a phone appears.
new ResizeObserver(() => atEnd && scrollToEnd()).observe(messages);

function send(message) {
  return connection.send(JSON.stringify(message));
}

function tellTyping(on) {
  if (on !== isTyping && send({ type: "typing", on })) isTyping = on;
}

function rename() {
  const current = people.get(you)?.name;
  name.value = name.value.trim() || current || inventName();
  rememberName(name.value);
  if (name.value !== current) send({ type: "rename", name: name.value });
}

/** Show the visitor's name as the server has it, unless it is being edited. */
function showName(current) {
  if (document.activeElement !== name) name.value = current;
}

/** Handle a message of the server; app.py defines their types. */
function receive(data) {
  const message = JSON.parse(data);
  const { person } = message;
  switch (message.type) {
    case "welcome":
      return enter(message);
    case "said":
      people.get(message.id).typing = false;
      addMessage(message);
      break;
    case "joined":
      people.set(person.id, person);
      addNotice(`${person.name} joined`);
      break;
    case "changed": {
      const before = people.get(person.id).name;
      people.set(person.id, person);
      if (before !== person.name) addNotice(`${before} is now ${person.name}`);
      if (person.id === you) showName(person.name);
      break;
    }
    case "left":
      people.delete(person.id);
      addNotice(`${person.name} left`);
  }
  showPeople();
}

function enter({ you: number, people: present, history }) {
  // A restarted server begins to count again.
  if (number <= you) mine.clear();
  you = number;
  mine.add(you);
  isTyping = false;
  people.clear();
  for (const person of present) people.set(person.id, person);
  // Earlier messages are not news: screen readers do not announce them.
  messages.setAttribute("aria-live", "off");
  messages.replaceChildren();
  latest = null;
  showName(people.get(you).name);
  history.forEach(addMessage);
  addNotice(present.length > 1 ? "You joined" : "Nobody else is here. Open this page in a second window.");
  scrollToEnd();
  setTimeout(() => messages.setAttribute("aria-live", "polite"), 1000);
  showPeople();
}

function leave() {
  isTyping = false;
  people.clear();
  showPeople();
}

function showPeople() {
  const sorted = [...people.values()].sort((a, b) => (b.id === you) - (a.id === you));
  find("people").replaceChildren(...sorted.map(personChip));
  find("people-count").textContent = people.size < 2 ? "" : `${people.size} people`;
  const others = sorted.filter((person) => person.typing && person.id !== you);
  typing.classList.toggle("busy", others.length > 0);
  typing.textContent = describeTyping(others.map((person) => person.name));
}

function describeTyping(names) {
  if (names.length === 0) return "";
  if (names.length > 2) return "Several people are typing";
  return `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} typing`;
}

function personChip(person) {
  const chip = element("li", person.typing ? "person busy" : "person");
  chip.append(avatar(person), person.name);
  if (person.id === you) chip.append(element("span", "you", " (you)"));
  return chip;
}

function addMessage(message) {
  const isMine = mine.has(message.id);
  const isSamePerson = latest?.id === message.id && latest.name === message.name;
  const follows = isSamePerson && message.at - latest.at < TOGETHER;
  const row = element("li", `message${isMine ? " mine" : ""}${follows ? " follows" : ""}`);
  const at = new Date(message.at * 1000);
  const time = element("time", "", at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  time.dateTime = at.toISOString();
  const head = element("p", follows ? "who hidden" : "who");
  head.append(element("b", "", isMine ? "You" : message.name), " ", time);
  row.append(avatar(message), head, element("p", "text", message.text));
  latest = message;
  append(row);
}

function addNotice(text) {
  latest = null;
  append(element("li", "notice", text));
}

function append(row) {
  messages.append(row);
  while (messages.children.length > ROWS) messages.firstChild.remove();
  if (atEnd) scrollToEnd();
  else newer.hidden = false;
}

function scrollToEnd() {
  messages.scrollTop = messages.scrollHeight;
  atEnd = true;
  newer.hidden = true;
}

function avatar({ id, name: words }) {
  const initials = words.split(" ").slice(0, 2).map((word) => [...word][0]).join("");
  const circle = element("span", "avatar", initials.toUpperCase());
  // Steps of the golden angle: consecutive numbers get very different colours.
  circle.style.setProperty("--hue", Math.round(id * 137.5 + 20) % 360);
  circle.setAttribute("aria-hidden", "true");
  return circle;
}

/** Content of others is always shown as text, never as HTML. */
function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
