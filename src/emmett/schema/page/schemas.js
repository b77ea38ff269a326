/* Schemas: their types as text, and examples of their values. */

const description = JSON.parse(document.getElementById("description").textContent);
const REF = "#/components/schemas/";
const MAX_DEPTH = 5; // types may contain themselves

/** Create an element: properties that start with "on" are listeners, the others attributes. */
function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const nameOf = (schema) => (schema?.$ref?.startsWith(REF) ? schema.$ref.slice(REF.length) : undefined);

/** Return a schema with the reference at its top resolved; keywords next to the reference take precedence. */
function resolve(schema) {
  let found = schema ?? {};
  for (let name = nameOf(found); name !== undefined; name = nameOf(found)) {
    const { $ref, ...beside } = found;
    found = { ...(description.schemas[name] ?? {}), ...beside };
  }
  return found;
}

/** Return the members of a union except null, and whether null is allowed. */
function unionOf(schema) {
  const found = resolve(schema);
  const members = found.anyOf ?? found.oneOf;
  if (members !== undefined) {
    const rest = members.filter((each) => resolve(each).type !== "null");
    return { members: rest, isNullable: rest.length < members.length };
  }
  if (Array.isArray(found.type)) {
    const rest = found.type.filter((each) => each !== "null");
    return { members: rest.map((type) => ({ ...found, type })), isNullable: rest.length < found.type.length };
  }
  return { members: [schema ?? {}], isNullable: found.type === "null" };
}

/** Return a type as text. Named types keep their names. */
function typeText(schema) {
  const name = nameOf(schema);
  return name ?? bodyText(schema ?? {});
}

function bodyText(schema) {
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  const members = schema.anyOf ?? schema.oneOf;
  if (members !== undefined) return members.map(typeText).join(" | ");
  if (Array.isArray(schema.type)) return schema.type.map((type) => bodyText({ ...schema, type })).join(" | ");
  if (schema.type === "array") {
    if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map(typeText).join(", ")}]`;
    const items = typeText(schema.items === true ? {} : schema.items);
    return items.includes(" | ") ? `(${items})[]` : `${items}[]`;
  }
  if (schema.type === "object") {
    if (schema.properties !== undefined) return membersText(schema);
    return `{ [name]: ${typeof schema.additionalProperties === "object" ? typeText(schema.additionalProperties) : "any"} }`;
  }
  return schema.format ?? (schema.contentEncoding === "base64" ? "base64" : (schema.type ?? "any"));
}

function membersText(schema, separator = ", ", indent = "") {
  const required = schema.required ?? [];
  const members = Object.entries(schema.properties).map(([name, value]) => {
    const value_ = "default" in value ? ` = ${JSON.stringify(value.default)}` : "";
    return `${indent}${name}${required.includes(name) ? "" : "?"}: ${typeText(value)}${value_}`;
  });
  return indent ? `{\n${members.join("\n")}\n}` : `{ ${members.join(separator)} }`;
}

/** Return the definition of a named type. */
function definitionText(name) {
  const schema = description.schemas[name] ?? {};
  return `${name} = ${schema.properties === undefined ? bodyText(schema) : membersText(schema, "", "  ")}`;
}

/** Return the names of all types that some schemas refer to, directly or indirectly. */
function namedTypes(...schemas) {
  const found = new Set();
  const walk = (part) => {
    if (Array.isArray(part)) part.forEach(walk);
    else if (part !== null && typeof part === "object") {
      const name = nameOf(part);
      if (name !== undefined && !found.has(name)) {
        found.add(name);
        walk(description.schemas[name]);
      }
      Object.values(part).forEach(walk);
    }
  };
  walk(schemas);
  return [...found];
}

const FORMATS = {
  "date-time": "2026-01-02T03:04:05Z",
  date: "2026-01-02",
  time: "03:04:05Z",
  duration: "PT5M",
  uuid: "6f1c0b62-52a4-4a3c-9d5e-0b8d7f6a1c20",
  decimal: "9.99",
};

/** Return a value that a schema allows. */
function exampleOf(schema, depth = 0) {
  const found = resolve(schema);
  if (found.examples?.length) return found.examples[0];
  if ("default" in found) return found.default;
  if ("const" in found) return found.const;
  if (found.enum !== undefined) return found.enum[0];
  const { members } = unionOf(found);
  if (members.length === 0) return null;
  if (found.anyOf || found.oneOf || Array.isArray(found.type)) return exampleOf(members[0], depth + 1);
  if (found.type === "integer") return Math.max(1, found.minimum ?? 1);
  if (found.type === "number") return Math.max(1.5, found.minimum ?? 1.5);
  if (found.type === "boolean") return true;
  if (found.type === "array") {
    if (found.prefixItems !== undefined) return found.prefixItems.map((each) => exampleOf(each, depth + 1));
    return depth > MAX_DEPTH || found.items === undefined ? [] : [exampleOf(found.items === true ? {} : found.items, depth + 1)];
  }
  if (found.type === "object") {
    const required = found.required ?? [];
    const members_ = Object.entries(found.properties ?? {}).filter(
      ([name]) => required.includes(name) || depth < MAX_DEPTH,
    );
    return Object.fromEntries(members_.map(([name, value]) => [name, exampleOf(value, depth + 1)]));
  }
  if (found.type === "string") return found.contentEncoding === "base64" ? "AAEC" : (FORMATS[found.format] ?? "text");
  return found.type === undefined ? "anything" : null;
}
