/** The page: shows the notices of the feed, and posts new ones. */

import { Live } from "./live.js";

const board = document.getElementById("board");
const list = document.getElementById("notices");
const blank = document.getElementById("notice");
const form = document.getElementById("write");
const problem = document.getElementById("problem");
const button = form.querySelector("button");
const ownName = board.dataset.name;
let last = Number(board.dataset.last);
let isSent = false; // whether a notice was sent over the websocket and is not on the board yet

const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function showTime(element, moment) {
  element.dateTime = moment;
  element.textContent = shown.format(new Date(moment));
}

function sizeText(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

/** Show a notice at the top, once: after an interruption the feed may repeat some. Text is never read as HTML. */
function showNotice({ id, author, text, at, file }) {
  if (id <= last && list.querySelector(`[data-id="${id}"]`)) return;
  last = Math.max(last, id);
  const item = blank.content.firstElementChild.cloneNode(true);
  const part = (name) => item.querySelector(`.${name}`);
  item.dataset.id = id;
  item.classList.add("new");
  item.classList.toggle("own", author === ownName);
  const isImage = file?.content_type.startsWith("image/");
  if (isImage) {
    part("picture").href = file.url;
    part("picture").firstElementChild.src = file.url;
    part("picture").firstElementChild.alt = file.name;
  } else part("picture").remove();
  if (file && !isImage) {
    part("file").href = file.url;
    part("name").textContent = file.name;
    part("size").textContent = sizeText(file.size);
  } else part("file").remove();
  if (text) part("text").textContent = text;
  else part("text").remove();
  part("avatar").textContent = Array.from(author)[0];
  part("author").textContent = author;
  showTime(item.querySelector("time"), at);
  list.prepend(item);
  while (list.childElementCount > board.dataset.most) list.lastElementChild.remove();
  document.getElementById("empty").hidden = true;
  if (isSent && author === ownName) done();
}

function showPeople(names) {
  const items = names.map((name) => {
    const item = document.createElement("li");
    const avatar = document.createElement("span");
    avatar.className = "avatar";
    avatar.ariaHidden = "true";
    avatar.textContent = Array.from(name)[0];
    item.append(avatar, name);
    return item;
  });
  document.getElementById("people").replaceChildren(...items);
}

function showProblem(text) {
  problem.textContent = text;
  problem.hidden = !text;
}

const again = document.getElementById("again");
const live = new Live(board.dataset, {
  after: () => last,
  onMessage: (message) => (message.type === "notice" ? showNotice(message) : showPeople(message.names)),
  onState(state, text) {
    if (isSent && state !== "open") {
      isSent = false;
      setBusy(false);
      showProblem("The connection broke. What you wrote is still here: see below whether it was put up.");
    }
    document.getElementById("live").dataset.state = state;
    const place = document.getElementById("state");
    if (place.textContent !== text) place.textContent = text;
    // Keep the focus when its button disappears.
    if (state !== "lost" && again === document.activeElement) form.text.focus();
    again.hidden = state !== "lost";
  },
  onWait: (seconds) => (document.getElementById("countdown").textContent = seconds ? `again in ${seconds} s` : ""),
  onLogout() {
    const link = document.createElement("a");
    link.href = board.dataset.login;
    link.textContent = "Log in again";
    document.getElementById("countdown").replaceChildren(link);
    document.getElementById("countdown").ariaHidden = null;
    button.disabled = true;
  },
});
again.addEventListener("click", () => live.connect());

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.disabled) return;
  const text = form.text.value.trim();
  const file = form.file.files[0];
  showProblem("");
  if (!text && !file) return showProblem("Write something, or choose a file.");
  // The other fields of the form need some room too.
  if (file && file.size > form.dataset.max - 16_384) return showProblem("This file is too large.");
  const body = new FormData(form);
  setBusy(true);
  if (!file && live.send(JSON.stringify({ text }))) {
    isSent = true;
    return;
  }
  try {
    const headers = { Accept: "application/json" };
    const answer = await fetch(form.action, { method: "POST", body, headers });
    if (!answer.ok) return showProblem((await answer.text()) || `The server answered ${answer.status}.`);
    showNotice(await answer.json());
    done();
  } catch {
    showProblem("The server cannot be reached. What you wrote is still here.");
  } finally {
    setBusy(false);
  }
});

/** Disable the form while a notice is being sent: it is cleared once the notice has arrived. */
function setBusy(isBusy) {
  form.text.readOnly = form.file.disabled = button.disabled = isBusy;
}

function done() {
  isSent = false;
  setBusy(false);
  form.reset();
  form.text.focus();
}

form.text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

for (const time of list.querySelectorAll("time")) showTime(time, time.dateTime);
