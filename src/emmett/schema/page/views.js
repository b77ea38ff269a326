/* The views of routes, websockets and calls: description, types, examples, and the form to call them. */

// Up to this width the contents fold up, and the log is below the form.
const narrow = matchMedia("(max-width: 62rem)");
// Up to this width the log is below the form.
const stacked = matchMedia("(max-width: 74rem)");
const consoles = new Map();

/** Return the console of a route, which is created once. */
function consoleOf(route, Class) {
  if (!consoles.has(route)) consoles.set(route, new Class(route));
  return consoles.get(route);
}

function code(title, text) {
  return h("figure", { class: "code" }, h("figcaption", null, title), h("pre", { tabindex: "0", "aria-label": title }, text));
}

/** Return a docstring as paragraphs, with text between backquotes as code. */
function prose(text) {
  const inline = (part) => part.split(/`+/).map((each, index) => (index % 2 ? h("code", null, each) : each));
  return text.split(/\n\s*\n/).filter(Boolean).map((part) => h("p", { class: "prose" }, inline(part)));
}

function head(kind, name, path) {
  return h("header", { class: "head" }, h("span", { class: "badge", "data-kind": kind }, kind), h("h2", null, name), path ? h("code", { class: "path" }, path) : "");
}

function facts(...pairs) {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "" && value.length !== 0);
  return shown.length ? h("dl", { class: "facts" }, shown.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))) : "";
}

function definitions(...schemas) {
  const names = namedTypes(...schemas);
  return names.length ? code("Types", names.map(definitionText).join("\n\n")) : "";
}

/** A form with a preview of what it sends. */
function sendForm({ form, button, preview, send, live, before = [], after = "" }) {
  const shown = h("pre", { tabindex: "0", "aria-label": "What is sent" });
  const update = () => {
    try {
      shown.textContent = preview();
    } catch (error) {
      shown.textContent = error.message;
    }
  };
  const submit = async (event) => {
    event?.preventDefault();
    form.clear();
    update();
    try {
      const sending = send();
      if (stacked.matches) live.scrollIntoView({ block: "start", behavior: "instant" });
      await sending;
    } catch (error) {
      if (error instanceof FormError) form.show([{ path: error.path, message: error.message }]);
    }
  };
  const element = h(
    "form",
    { class: "send", novalidate: true, onsubmit: submit, oninput: update },
    before,
    form.isEmpty ? form.faults : form.element,
    after,
    h("div", { class: "buttons" }, h("button", { type: "submit", class: "main" }, button), form.isEmpty || form.isWhole ? "" : form.toggle),
    h("figure", { class: "code" }, h("figcaption", null, "What is sent"), shown),
  );
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) element.requestSubmit();
  });
  form.onChange = update;
  update();
  return element;
}

const BUTTONS = { call: "Call", stream: "Start", event: "Send" };
const KINDS = { call: "call", stream: "stream", event: "event" };

function showMethod(calls, method) {
  const live = consoleOf(calls, CallsConsole);
  const form = new ObjectForm(method.params);
  const signature = method.takes_object ? typeText(method.params) : method.parameters.map((each) => `${each.name}${each.is_required ? "" : "?"}: ${typeText(each.schema)}`).join(", ");
  const result = method.kind === "event" ? "" : ` → ${method.kind === "stream" ? "stream of " : ""}${typeText(method.result)}`;
  const card = h(
    "section",
    { class: "card" },
    head(KINDS[method.kind], method.name, calls.paths[0].template),
    prose(method.description),
    code("Signature", `${method.name}(${signature})${result}`),
    facts(["Limit", method.limit], ["Timeout", method.timeout === null ? "" : `${method.timeout} s`], ["Requires", method.security.join(", ")], ["Errors", method.errors.map((each) => `${each.code}: ${each.meaning}`).join("\n")]),
    sendForm({
      form,
      live: live.element,
      button: BUTTONS[method.kind],
      preview: () => JSON.stringify({ jsonrpc: "2.0", ...(method.kind === "event" ? {} : { id: 1 }), method: method.name, params: form.read() }, null, 2),
      send: async () => live.call(method, form.read(), (faults) => form.show(faults)),
    }),
    definitions(method.params, method.result),
  );
  return [card, live.element];
}

function showEmitted(calls, message) {
  const example = { jsonrpc: "2.0", method: message.name, params: exampleOf(message.schema) };
  const card = h(
    "section",
    { class: "card" },
    head("emitted", message.name, calls.paths[0].template),
    prose(message.description || "The server sends this event on its own."),
    code("Type", typeText(message.schema)),
    code("Example", JSON.stringify(example, null, 2)),
    definitions(message.schema),
  );
  return [card, consoleOf(calls, CallsConsole).element];
}

function showWebsocket(websocket) {
  const live = consoleOf(websocket, RawConsole);
  const declared = websocket.receives[0];
  const isJSON = declared?.content_type === "application/json";
  const text = h("textarea", { id: `message-${++lastField}`, rows: isJSON ? 5 : 2, spellcheck: "false" });
  text.value = isJSON ? JSON.stringify(exampleOf(declared.schema), null, 2) : "Hello";
  const asBinary = h("input", { type: "checkbox", id: `binary-${lastField}`, checked: declared?.content_type === "application/octet-stream" });
  const messages = (list) => list.map((each) => `${each.name}: ${each.content_type === "application/json" ? typeText(each.schema) : each.content_type}`).join("\n");
  const card = h(
    "section",
    { class: "card" },
    head("websocket", websocket.name, websocket.paths[0].template),
    prose(websocket.description),
    websocket.receives.length ? code("It receives", messages(websocket.receives)) : "",
    websocket.sends.length ? code("It sends", messages(websocket.sends)) : "",
    facts(["Requires", websocket.security.join(", ")]),
    h(
      "form",
      {
        class: "send",
        onsubmit: (event) => {
          event.preventDefault();
          live.send(asBinary.checked ? new TextEncoder().encode(text.value) : text.value).catch(() => undefined);
        },
      },
      h("div", { class: "field" }, h("label", { for: text.id }, h("b", null, "Message")), text),
      h("div", { class: "buttons" }, h("button", { type: "submit", class: "main" }, "Send"), h("label", { class: "check" }, asBinary, "as a binary message")),
    ),
    definitions(websocket.receives.map((each) => each.schema), websocket.sends.map((each) => each.schema)),
  );
  return [card, live.element];
}

const responses = new Map();

function showRequest(request, method) {
  const path = request.paths[0];
  const log = responses.get(request) ?? new Log();
  responses.set(request, log);
  const group = (title, list) => {
    const form = new ObjectForm({ properties: Object.fromEntries(list.map((each) => [each.name, each.schema])), required: list.filter((each) => each.is_required).map((each) => each.name) });
    return { form, element: form.isEmpty ? "" : h("fieldset", null, h("legend", null, h("b", null, title)), form.element) };
  };
  const variables = group("Path", path.variables);
  const query = group("Query", request.query);
  const hasBody = request.body !== null && ["POST", "PUT", "PATCH"].includes(method);
  const body = !hasBody ? null : new ObjectForm(request.body.schema);
  const fields = h("textarea", { id: `headers-${++lastField}`, rows: 2, spellcheck: "false", placeholder: "Authorization: Bearer …" });
  const target = () => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query.form.read())) for (const each of [value].flat()) search.append(name, each);
    return fillPath(path, variables.form.read(), search.toString());
  };
  const headers = () => {
    const found = new Headers(body === null ? {} : { "Content-Type": request.body.content_type });
    for (const line of fields.value.split("\n").filter((each) => each.includes(":"))) found.set(line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim());
    return found;
  };
  const send = async () => {
    query.form.clear();
    variables.form.clear();
    const url = target();
    const options = { method, headers: headers(), body: body === null ? undefined : JSON.stringify(body.read()) };
    const entry = log.add("waiting", `${method} ${url.slice(location.origin.length)}`);
    try {
      const response = await fetch(url, options);
      const received = await response.text();
      const isJSON = /json/.test(response.headers.get("content-type") ?? "");
      let shown = received;
      try {
        shown = isJSON && received ? JSON.stringify(JSON.parse(received), null, 2) : received;
      } catch {
        // The body is shown as it was received.
      }
      log.end(entry, response.ok ? "result" : "error", `${response.status} ${response.statusText}\n${[...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n")}\n\n${shown}`);
      if (/problem\+json/.test(response.headers.get("content-type") ?? "")) {
        const faults = JSON.parse(received).errors ?? [];
        query.form.show(faults.filter((each) => each.in === "query"));
        body?.show(faults.filter((each) => each.in === "body"));
      }
    } catch (error) {
      log.end(entry, "error", error.message);
    }
  };
  const live = h(
    "section",
    { class: "card live", "aria-label": "Console" },
    h("header", { class: "head" }, h("h2", null, "Responses"), h("button", { type: "button", class: "small", onclick: () => log.clear() }, "Clear")),
    log.list,
  );
  const card = h(
    "section",
    { class: "card" },
    head(method, request.name, path.template),
    prose(request.description),
    request.result ? code("Result", typeText(request.result.schema)) : "",
    facts(["Requires", request.security.join(", ")]),
    sendForm({
      form: body ?? variables.form,
      button: `Send ${method}`,
      live,
      before: [body === null ? "" : variables.element, query.element],
      after: h("details", null, h("summary", null, "Header fields"), h("div", { class: "field" }, h("label", { for: fields.id }, h("b", null, "One a line"), h("i", null, "optional")), fields)),
      preview: () => `${method} ${target().slice(location.origin.length)}\n${[...headers()].map(([name, value]) => `${name}: ${value}`).join("\n")}${body === null ? "" : `\n\n${JSON.stringify(body.read(), null, 2)}`}`.trim(),
      send,
    }),
    definitions(request.query.map((each) => each.schema), request.body?.schema, request.result?.schema),
  );
  return [card, live];
}
