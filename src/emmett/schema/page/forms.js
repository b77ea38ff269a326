/* Forms, built from schemas. The value of an optional field that is empty is `undefined`. */

class FormError extends Error {
  constructor(path, message) {
    super(message);
    this.path = path;
  }
}

let lastField = 0;

/** Return a field for a value: an object with its `element` and the functions `read` and `fill`. */
function makeField(name, schema, isRequired, path) {
  const { members, isNullable } = unionOf(schema);
  const found = members.length === 1 ? { ...resolve(members[0]), ...beside(schema) } : resolve(schema);
  const options = { name, schema, found, isRequired, isNullable, path };
  if (members.length === 1) {
    if (found.enum !== undefined) return makeChoice(options, found.enum);
    if ("const" in found) return makeChoice(options, [found.const]);
    if (found.type === "boolean") return makeChoice(options, [true, false]);
    if (found.type === "object" && found.properties !== undefined && isRequired && path.length < 3) return makeGroup(options);
    if (["string", "integer", "number"].includes(found.type)) return makeText(options);
  }
  return makeJSON(options);
}

const beside = (schema) => (schema !== undefined && "default" in schema ? { default: schema.default } : {});

/** Return a field with the label of a control, its type, and a place for a fault. */
function label(options, control, read, fill) {
  const { name, schema, found, isRequired, path } = options;
  const id = `field-${++lastField}`;
  const fault = h("p", { class: "fault", id: `${id}-fault`, hidden: true });
  control.id = id;
  control.setAttribute("aria-describedby", fault.id);
  const hint = "default" in found && !isRequired ? ` = ${JSON.stringify(found.default)}` : "";
  const element = h(
    "div",
    { class: "field", "data-path": path.join(".") },
    h("label", { for: id }, h("b", null, name), h("code", null, typeText(schema) + hint), isRequired ? "" : h("i", null, "optional")),
    found.description ? h("p", { class: "hint" }, found.description) : "",
    control,
    fault,
  );
  return { element, read, fill };
}

function makeText(options) {
  const { found, isRequired, isNullable, path } = options;
  const isNumber = found.type !== "string";
  const control = h("input", { type: "text", inputmode: isNumber ? "decimal" : undefined, autocomplete: "off", spellcheck: "false" });
  if (isRequired) control.value = String(exampleOf(found) ?? "");
  else control.placeholder = "default" in found ? String(found.default) : "";
  const read = () => {
    const text = control.value;
    if (text === "" && !isRequired) return undefined;
    if (text === "" && isNullable) return null;
    if (!isNumber) return text;
    const number = Number(text);
    if (text.trim() === "" || Number.isNaN(number)) throw new FormError(path, `expected a number, not ${JSON.stringify(text)}`);
    return number;
  };
  const fill = (value) => (control.value = value === undefined || value === null ? "" : String(value));
  return label(options, control, read, fill);
}

function makeChoice(options, values) {
  const { found, isRequired, isNullable } = options;
  const all = isNullable ? [...values, null] : values;
  const control = h("select", null, isRequired ? [] : h("option", { value: "" }, "–"), all.map((each) => h("option", { value: JSON.stringify(each) }, String(each))));
  const fill = (value) => (control.value = value === undefined ? "" : JSON.stringify(value));
  if (isRequired && "default" in found) fill(found.default);
  return label(options, control, () => (control.value === "" ? undefined : JSON.parse(control.value)), fill);
}

function makeJSON(options) {
  const { schema, isRequired, path } = options;
  const control = h("textarea", { rows: 3, spellcheck: "false", autocomplete: "off" });
  const fill = (value) => {
    control.value = value === undefined ? "" : JSON.stringify(value, null, 2);
    control.rows = Math.min(12, Math.max(2, control.value.split("\n").length));
  };
  fill(isRequired ? exampleOf(schema) : undefined);
  control.placeholder = isRequired ? "" : JSON.stringify(exampleOf(schema));
  const read = () => {
    if (control.value.trim() === "" && !isRequired) return undefined;
    try {
      return JSON.parse(control.value);
    } catch (error) {
      throw new FormError(path, `expected JSON: ${error.message}`);
    }
  };
  return label(options, control, read, fill);
}

function makeGroup(options) {
  const { name, found, path } = options;
  const required = found.required ?? [];
  const fields = makeFields(found.properties, required, path);
  const element = h("fieldset", { "data-path": path.join(".") }, h("legend", null, h("b", null, name), h("code", null, typeText(options.schema))), [...fields.values()].map((each) => each.element));
  return { element, read: () => readFields(fields), fill: (value) => fillFields(fields, value ?? {}) };
}

function makeFields(properties, required, path) {
  return new Map(Object.entries(properties).map(([name, schema]) => [name, makeField(name, schema, required.includes(name), [...path, name])]));
}

function readFields(fields) {
  const found = {};
  for (const [name, field] of fields) {
    const value = field.read();
    if (value !== undefined) found[name] = value;
  }
  return found;
}

function fillFields(fields, value) {
  for (const [name, field] of fields) field.fill(value?.[name]);
}

/** A form for an object, which can also be edited as JSON. Other values can only be edited as JSON. */
class ObjectForm {
  constructor(schema) {
    const found = resolve(schema);
    this.fields = makeFields(found.properties ?? {}, found.required ?? [], []);
    this.text = h("textarea", { class: "whole", rows: 8, spellcheck: "false", "aria-label": "Parameters as JSON" });
    this.isWhole = found.properties === undefined;
    this.isText = this.isWhole;
    if (this.isWhole) this.text.value = JSON.stringify(exampleOf(schema), null, 2);
    this.inputs = h("div", { class: "fields" }, [...this.fields.values()].map((each) => each.element));
    this.toggle = h("button", { type: "button", class: "small", "aria-pressed": "false", onclick: () => this.switch() }, "Edit as JSON");
    this.faults = h("ul", { class: "faults", hidden: true });
    this.element = h("div", { class: "object" }, this.isWhole ? this.text : this.inputs, this.faults);
    // Called when the form switches between fields and JSON; typing fires the event "input", which bubbles.
    this.onChange = () => undefined;
  }

  get isEmpty() {
    return !this.isWhole && this.fields.size === 0;
  }

  read() {
    if (!this.isText) return readFields(this.fields);
    try {
      return JSON.parse(this.text.value);
    } catch (error) {
      throw new FormError([], `expected JSON: ${error.message}`);
    }
  }

  switch() {
    this.clear();
    try {
      const value = this.read();
      if (this.isText) fillFields(this.fields, value);
      else this.text.value = JSON.stringify(value, null, 2);
    } catch (error) {
      this.show([{ path: error.path ?? [], message: error.message }]);
      return;
    }
    this.isText = !this.isText;
    this.toggle.setAttribute("aria-pressed", String(this.isText));
    (this.isText ? this.inputs : this.text).replaceWith(this.isText ? this.text : this.inputs);
    this.onChange();
  }

  clear() {
    this.faults.hidden = true;
    this.faults.replaceChildren();
    for (const fault of this.element.querySelectorAll(".fault")) fault.hidden = true;
    for (const control of this.element.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  }

  /** Show faults next to their fields. */
  show(faults) {
    let first;
    for (const { path, message } of faults) {
      const field = path.length && !this.isText ? this.element.querySelector(`.field[data-path="${CSS.escape(path.join("."))}"]`) : null;
      if (field === null) {
        this.faults.hidden = false;
        this.faults.append(h("li", null, path.length ? h("b", null, `${path.join(".")} `) : "", message));
        continue;
      }
      const fault = field.querySelector(".fault");
      fault.textContent = message;
      fault.hidden = false;
      const control = field.querySelector("input, select, textarea");
      control.setAttribute("aria-invalid", "true");
      first ??= control;
    }
    first?.focus();
  }
}
