/** The echo: sends text or bytes, and measures how long they take to come back. */

import { Connection } from "./connection.js";

const BARS = 60; // round trips in the chart
const MEASURED = 1000; // round trips from which the median is computed
const ROWS = 100; // answers that stay on the page
const BURST = 100;

const find = (id) => document.getElementById(id);
const form = find("echo-form");
const input = find("echo-text");
const answers = find("echo-answers");

/** Messages that have not come back yet; an echo keeps the order. */
let pending = [];
let times = [];
let count = 0;

drawChart([], 0);
const connection = new Connection(find("echo"), () => "/echo", { onMessage: receive, onLost: giveUp });

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send(input.value, showAnswer);
  input.select();
});

for (const button of document.querySelectorAll("[data-bytes]")) {
  button.addEventListener("click", () => send(randomBytes(Number(button.dataset.bytes)), showAnswer));
}

find("echo-burst").addEventListener("click", () => {
  const began = performance.now();
  let left = BURST;
  const next = () => {
    if (left-- > 0) send("ping", next);
    else addRow("text", `${BURST} round trips, one after the other`, "", performance.now() - began);
  };
  next();
});

function send(data, done) {
  const sent = performance.now();
  if (connection.send(data)) pending.push({ data, sent, done });
  else addNote("Not connected, so nothing was sent.");
}

function receive(data) {
  const { data: original, sent, done } = pending.shift();
  const time = performance.now() - sent;
  count += 1;
  times = [...times.slice(1 - MEASURED), time];
  showTimes();
  done(data, time, isSame(original, data));
}

function giveUp() {
  if (pending.length) addNote(`The connection was lost before ${pending.length} came back.`);
  pending = [];
}

function showAnswer(data, time, same) {
  const isText = typeof data === "string";
  const content = isText ? data || "(empty)" : preview(data);
  const size = isText ? new TextEncoder().encode(data).length : data.byteLength;
  addRow(isText ? "text" : "bytes", content, same ? formatSize(size) : "not what was sent", time);
}

function addRow(kind, content, size, time) {
  const row = document.createElement("li");
  for (const [name, text] of Object.entries({ kind, content, size, time: formatTime(time) })) {
    const cell = document.createElement("span");
    cell.className = name;
    cell.textContent = text;
    row.append(cell, " ");
  }
  row.dataset.kind = kind;
  append(row);
}

function addNote(text) {
  const row = document.createElement("li");
  row.className = "note";
  row.textContent = text;
  append(row);
}

function append(row) {
  answers.append(row);
  while (answers.children.length > ROWS) answers.firstChild.remove();
  answers.scrollTop = answers.scrollHeight;
}

function showTimes() {
  const sorted = [...times].sort((a, b) => a - b);
  find("echo-last").textContent = formatTime(times.at(-1));
  find("echo-median").textContent = formatTime(sorted[sorted.length >> 1]);
  find("echo-count").textContent = count.toLocaleString("en");
  drawChart(times.slice(-BARS), 3 * sorted[sorted.length >> 1]);
}

/** Draw the latest times, cut off at `limit`, so that one late answer does not flatten all others. */
function drawChart(shown, limit) {
  const chart = find("echo-chart");
  const highest = Math.max(0.1, Math.min(limit, Math.max(0, ...shown)));
  for (let index = 0; index < BARS; index++) {
    const bar = chart.children[index] ?? chart.appendChild(document.createElementNS(chart.namespaceURI, "rect"));
    const time = shown[index - BARS + shown.length] ?? 0;
    const height = Math.max(2, Math.min(1, time / highest) * 44);
    const place = { x: index * 3, y: 44 - height, width: 2, height, opacity: time ? 1 : 0.3 };
    for (const [name, value] of Object.entries(place)) bar.setAttribute(name, value);
  }
}

function isSame(sent, received) {
  if (typeof sent === "string" || typeof received === "string") return sent === received;
  const bytes = new Uint8Array(received);
  return sent.length === bytes.length && sent.every((byte, index) => byte === bytes[index]);
}

function randomBytes(size) {
  const bytes = new Uint8Array(size);
  // The browser returns at most 64 KiB at once.
  for (let start = 0; start < size; start += 65_536) crypto.getRandomValues(bytes.subarray(start, start + 65_536));
  return bytes;
}

function preview(data) {
  const first = Array.from(new Uint8Array(data, 0, Math.min(8, data.byteLength)));
  return first.map((byte) => byte.toString(16).padStart(2, "0")).join(" ") + (data.byteLength > 8 ? " …" : "");
}

function formatSize(size) {
  return size < 1024 ? `${size} B` : `${Math.round(size / 1024)} KiB`;
}

function formatTime(time) {
  return time < 0.1 ? "< 0.1 ms" : `${time.toFixed(time < 100 ? 1 : 0)} ms`;
}
