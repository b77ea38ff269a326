/* Elements, readable numbers, and lists that keep their elements while their data changes. */

/** Return a new element. Attributes that are functions become event listeners; null and false are left out. */
function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== null && value !== false && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** Change a text only if it differs, so that a selection is kept. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Show one element for each item, in order. An item with a known key keeps its element, and with it the focus.
 * `make(item)` returns an element; `update(element, item)` fills it in.
 */
function showEach(container, items, keyOf, make, update) {
  const known = (container.known ??= new Map());
  const keys = new Set(items.map(keyOf));
  for (const [key, element] of known) {
    if (!keys.has(key)) {
      element.remove();
      known.delete(key);
    }
  }
  items.forEach((item, index) => {
    const key = keyOf(item);
    let element = known.get(key);
    if (!element) {
      element = make(item);
      known.set(key, element);
    }
    update(element, item);
    if (container.children[index] !== element) {
      const focused = element.contains(document.activeElement) ? document.activeElement : null;
      container.insertBefore(element, container.children[index] ?? null);
      focused?.focus();
    }
  });
}

const whole = new Intl.NumberFormat("en");

function count(number, one, many = `${one}s`) {
  return `${whole.format(number)} ${number === 1 ? one : many}`;
}

function duration(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

function milliseconds(number) {
  return `${number < 10 ? number.toFixed(1) : Math.round(number)} ms`;
}

function bytes(number) {
  if (number < 1024) return `${number} B`;
  if (number < 1048576) return `${(number / 1024).toFixed(number < 10240 ? 1 : 0)} KiB`;
  if (number < 1073741824) return `${(number / 1048576).toFixed(number < 10485760 ? 1 : 0)} MiB`;
  return `${(number / 1073741824).toFixed(1)} GiB`;
}

function badge(text, tone) {
  return h("span", { class: "badge", "data-tone": tone }, text);
}

/** Return a field with its label above it. */
function field(label, input, className = "") {
  return h("label", { class: `field ${className}` }, h("span", null, label), input);
}

/** Return a card with the fields of a filter, which folds up on small screens. */
function filterCard(...fields) {
  const isNarrow = matchMedia("(max-width: 36rem)").matches;
  return h(
    "details",
    { class: "card filter", open: !isNarrow },
    h("summary", null, "Filter"),
    h("form", { class: "filters", role: "search", submit: (event) => event.preventDefault() }, ...fields),
  );
}

/** Draw numbers as a line that ends at the right, with the largest at the top. */
function sparkline(numbers, least) {
  const NS = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 120 32");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "spark");
  const top = Math.max(least, ...numbers);
  const step = 120 / 59;
  const points = numbers.map((number, index) => [120 - (numbers.length - 1 - index) * step, 30 - (number / top) * 28]);
  if (points.length > 1) {
    const line = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    const area = document.createElementNS(NS, "polygon");
    area.setAttribute("points", `${points[0][0].toFixed(1)},32 ${line} 120,32`);
    const path = document.createElementNS(NS, "polyline");
    path.setAttribute("points", line);
    svg.append(area, path);
  }
  return svg;
}
