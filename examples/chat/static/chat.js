/** The page of a room: shows what the connection receives, and sends what is written; each message is shown once. */

const MOST = 1000; // messages that the page keeps
const TOGETHER = 300; // seconds within which messages of one person share one name

const page = document.body.dataset;
const { Live } = await import(page.way);
const find = (id) => document.getElementById(id);
const [scroll, list, outbox, form, text] = ["scroll", "messages", "outbox", "write", "text"].map(find);
const problem = find("problem");

const seen = new Set(); // ids of messages that are shown
const pending = new Map(); // messages that were written and have not come back yet, by id
const people = new Map(); // who is here, by connection: one person may have several

/* Messages */

/** Return the colour of a person: FNV-1a spreads even ids that are almost equal. */
function hue(id) {
  let hash = 2166136261;
  for (const letter of id) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
  return (hash >>> 0) % 360;
}

function fillAvatar(avatar, person) {
  avatar.textContent = [...person.name][0]?.toUpperCase() ?? "?";
  avatar.style.setProperty("--hue", hue(person.id));
}

/** Change what is shown, and stay at the end if the end was visible. */
function keepPlace(change) {
  const isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  change();
  if (isAtEnd) showNewest();
  return isAtEnd;
}

function showNewest() {
  scroll.scrollTop = scroll.scrollHeight;
  find("newer").hidden = true;
}

function showMessage(message) {
  // A restarted broker may repeat messages, and a page may have sent one twice.
  if (seen.has(message.id)) return;
  seen.add(message.id);
  if (seen.size > 5 * MOST) seen.delete(seen.values().next().value);
  const item = find("message").content.firstElementChild.cloneNode(true);
  const isOwn = message.by.id === page.visitor;
  item.classList.toggle("own", isOwn);
  item.dataset.by = message.by.id;
  item.dataset.at = message.at;
  fillAvatar(item.querySelector(".avatar"), message.by);
  item.querySelector(".author").textContent = message.by.name;
  item.querySelector(".text").textContent = message.text;
  const time = item.querySelector("time");
  const at = new Date(message.at * 1000);
  time.dateTime = at.toISOString();
  const isToday = at.toDateString() === new Date().toDateString();
  time.textContent = at.toLocaleString([], { hour: "2-digit", minute: "2-digit", ...(isToday ? {} : { day: "numeric", month: "short" }) });
  const last = list.lastElementChild;
  item.classList.toggle("more", last?.dataset.by === message.by.id && message.at - last.dataset.at < TOGETHER);
  const isAtEnd = keepPlace(() => {
    pending.get(message.id)?.remove();
    pending.delete(message.id);
    add(item);
  });
  if (!isAtEnd && !isOwn) find("newer").hidden = false;
}

function add(item) {
  list.append(item);
  find("empty").hidden = true;
  while (list.childElementCount > MOST) list.firstElementChild.remove();
}

function showNote(words, kind, id = "") {
  const item = document.createElement("li");
  item.className = `note ${kind}`;
  item.dataset.who = id;
  item.textContent = words;
  keepPlace(() => add(item));
}

function showMissed() {
  // A page that has shown nothing cannot have missed anything.
  if (list.querySelector(".message") && !list.lastElementChild.matches(".missed")) showNote("Some messages were missed.", "missed");
}

/* Who is here */

function showPeople() {
  const unique = new Map([...people.values()].map((person) => [person.id, person]));
  const items = [...unique.values()].map(({ id, name }) => {
    const item = document.createElement("li");
    const avatar = document.createElement("span");
    avatar.className = "avatar";
    avatar.ariaHidden = "true";
    fillAvatar(avatar, { id, name });
    const words = document.createElement("span");
    words.className = "name";
    words.textContent = id === page.visitor ? `${name} (you)` : name;
    item.append(avatar, words);
    return [name, item];
  });
  items.sort(([one], [other]) => one.localeCompare(other));
  find("people").replaceChildren(...items.map(([, item]) => item));
  find("count").textContent = unique.size || "";
}

function welcome(event) {
  people.clear();
  for (const person of event.people) people.set(person.member, person);
  showPeople();
  if (event.recovered === false) showMissed();
  find("node").textContent = event.node && `on ${event.node}`;
  // Messages that may be among the missed ones are sent again, and shown once.
  for (const item of waiting()) send(item);
}

function isHere({ id, name }) {
  return [...people.values()].some((person) => person.id === id && person.name === name);
}

function join(person) {
  const isKnown = isHere(person);
  people.set(person.member, person);
  if (isKnown) return;
  showPeople();
  if (person.id === page.visitor) return;
  // Reloading the page is neither a leave nor a join.
  const last = list.lastElementChild;
  if (last?.matches(".leave") && last.dataset.who === person.id) last.remove();
  else showNote(`${person.name} is here`, "join", person.id);
}

function leave({ member }) {
  const person = people.get(member);
  if (!people.delete(member) || isHere(person)) return;
  showPeople();
  if (person.id !== page.visitor) showNote(`${person.name} has left`, "leave", person.id);
}

/* Writing */

function waiting() {
  return [...pending.values()].filter((item) => !item.matches(".failed"));
}

function refuse({ id, text: words }) {
  const item = pending.get(id);
  if (!item) return showProblem(words);
  item.classList.add("failed");
  item.querySelector(".fate span").textContent = words;
  item.querySelector("button").hidden = false;
}

function send(item) {
  item.classList.remove("failed");
  const isOpen = live.isOpen;
  item.querySelector(".fate span").textContent = isOpen ? "Sending …" : "Waits for the connection";
  item.querySelector("button").hidden = true;
  if (isOpen) live.send({ id: item.dataset.id, text: item.dataset.text });
}

function write(words) {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  const id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const item = find("pending").content.firstElementChild.cloneNode(true);
  Object.assign(item.dataset, { id, text: words });
  item.querySelector(".text").textContent = words;
  item.querySelector("button").addEventListener("click", () => {
    send(item);
    text.focus();
  });
  pending.set(id, item);
  outbox.append(item);
  send(item);
  showNewest();
}

function showProblem(words) {
  problem.textContent = words;
  problem.hidden = !words;
}

function measure() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
  const left = text.dataset.most - [...text.value.trim()].length;
  find("left").textContent = left < 0 ? `${-left} characters too many` : `${left} left`;
  find("left").hidden = left > 100;
  find("left").classList.toggle("over", left < 0);
  if (left >= 0) showProblem("");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (!words) return;
  if ([...words].length > text.dataset.most) {
    return showProblem(`A message has at most ${text.dataset.most} characters; this one has ${[...words].length}.`);
  }
  write(words);
  text.value = "";
  measure();
  text.focus();
});

text.addEventListener("input", measure);
text.addEventListener("keydown", (event) => {
  // During composition with an input method, Enter ends the word.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
find("newer").addEventListener("click", showNewest);
scroll.addEventListener("scroll", () => {
  if (scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60) find("newer").hidden = true;
});
new ResizeObserver(showNewest).observe(form);

/* The connection */

const takes = {
  message: (event) => showMessage(event.message),
  gap: showMissed,
  join: (event) => join(event.data),
  leave: (event) => leave(event.data),
  error: refuse,
  welcome,
};

const again = find("again");
const live = new Live(page.live, {
  onEvent: (event) => takes[event.type]?.(event),
  onState(state, words) {
    find("live").dataset.state = state;
    if (find("state").textContent !== words) find("state").textContent = words;
    if (state !== "open") find("node").textContent = "";
    // Keep the focus when its button disappears.
    if (state !== "lost" && again === document.activeElement) text.focus();
    again.hidden = state !== "lost" || live.hasEnded;
    if (state === "lost") for (const item of waiting()) item.querySelector(".fate span").textContent = "Waits for the connection";
  },
  onWait: (seconds) => (find("countdown").textContent = seconds ? `again in ${seconds} s` : ""),
  onEnd() {
    const link = document.createElement("a");
    link.href = page.start;
    link.textContent = "Choose a name again";
    problem.replaceChildren("Your session has ended. ", link);
    problem.hidden = false;
  },
});
again.addEventListener("click", () => live.connect());
live.connect();
measure();
