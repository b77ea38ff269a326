/* The contents, the search, and the entry that is shown, which the fragment of the URL names. */

const groups = [];
for (const calls of description.calls) {
  groups.push({
    title: `Calls ${calls.paths[0].template}`,
    entries: [
      ...calls.methods.map((method) => ({ key: `${calls.name}/${method.name}`, kind: KINDS[method.kind], name: method.name, text: method.description, show: () => showMethod(calls, method) })),
      ...calls.emitted.map((message) => ({ key: `${calls.name}/emitted/${message.name}`, kind: "emitted", name: message.name, text: message.description, show: () => showEmitted(calls, message) })),
    ],
  });
}
if (description.websockets.length) {
  groups.push({
    title: "Websockets",
    entries: description.websockets.map((each) => ({ key: `websocket/${each.name}`, kind: "websocket", name: each.paths[0].template, text: each.description, show: () => showWebsocket(each) })),
  });
}
if (description.requests.length) {
  groups.push({
    title: "Requests",
    entries: description.requests.flatMap((each) =>
      // HEAD is answered like GET, so one form is enough.
      each.methods.filter((method) => method !== "HEAD" || !each.methods.includes("GET")).map((method) => ({ key: `request/${each.name}/${method}`, kind: method, name: each.paths[0].template, text: `${each.name} ${each.description}`, show: () => showRequest(each, method) })),
    ),
  });
}

const main = document.getElementById("main");
const contents = document.getElementById("contents");
const search = document.getElementById("search");
const entries = groups.flatMap((group) => group.entries);
const shown = new Map();

function buildContents() {
  for (const group of groups) {
    group.element = h(
      "section",
      null,
      h("h2", null, group.title),
      h("ul", null, group.entries.map((entry) => {
        entry.link = h("a", { href: `#${encodeURI(entry.key)}` }, h("span", { class: "badge", "data-kind": entry.kind }, entry.kind), h("span", { class: "name" }, entry.name));
        entry.item = h("li", null, entry.link);
        return entry.item;
      })),
    );
    document.getElementById("nav").append(group.element);
  }
  const count = entries.length === 1 ? "1 thing to call" : `${entries.length} things to call`;
  document.getElementById("about").textContent = description.about.description.split("\n")[0] || count;
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const group of groups) {
    for (const entry of group.entries) {
      const text = `${entry.kind} ${entry.name} ${entry.text}`.toLowerCase();
      entry.item.hidden = !words.every((word) => text.includes(word));
    }
    group.element.hidden = group.entries.every((entry) => entry.item.hidden);
  }
}

function show() {
  const key = decodeURI(location.hash.slice(1));
  const entry = entries.find((each) => each.key === key) ?? entries[0];
  if (entry === undefined) {
    main.replaceChildren(h("p", { class: "empty" }, "This application has nothing that can be called yet."));
    return;
  }
  // Views are kept, so that forms keep their values.
  if (!shown.has(entry)) shown.set(entry, entry.show());
  main.replaceChildren(...shown.get(entry));
  for (const each of entries) each.link.toggleAttribute("aria-current", false);
  entry.link.setAttribute("aria-current", "page");
  document.getElementById("contents-title").textContent = `Contents: ${entry.name}`;
  if (narrow.matches) contents.open = false;
  scrollTo(0, 0);
}

buildContents();
narrow.addEventListener("change", () => (contents.open = !narrow.matches));
contents.open = !narrow.matches;
search.addEventListener("input", () => {
  contents.open = true;
  filter();
});
search.addEventListener("keydown", (event) => {
  const first = entries.find((entry) => !entry.item.hidden && !entry.item.parentElement.parentElement.hidden);
  if (event.key === "Enter" && first) first.link.click();
});
// The fragment of the URL names the entry that is shown, so the skip link must not change it.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", show);
show();
