// The page: shows the device live by server-sent events, and turns keys, mouse and touch into gestures.

import { place, shapeOf } from "/static/body.js";
import { loadAssets, Screen } from "/static/screen.js";

const $ = (id) => document.getElementById(id);
const KEYS = { ArrowLeft: "left", ArrowRight: "right", Enter: "both", ArrowDown: "both" };
const ROLE_WORDS = { next: "Next", previous: "Previous", approve: "Approve", reject: "Reject", dismiss: "Dismiss",
  select: "Select", back: "Back", key: "Key" };
const STATUS_ORDER = ["model", "serial", "name", "version", "app", "unlocked", "worlds", "boundaries"];

const state = { frame: null, status: {}, shape: null };
const down = new Set();
let queue = Promise.resolve();

// Requests go one after the other: a release must not overtake its press.
function post(path, body) {
  queue = queue.then(async () => {
    try {
      const answer = await fetch(path, { method: "POST", body: JSON.stringify(body),
        headers: { "content-type": "application/json" } });
      const problem = answer.ok ? "" : (await answer.json()).error;
      $("problem").hidden = !problem;
      $("problem").textContent = problem;
    } catch (error) {
      $("problem").hidden = false;
      $("problem").textContent = `The device did not hear that: ${error.message}`;
    }
  });
  return queue;
}

function setPressed(button, isPressed) {
  const parts = button === "both" ? ["left", "right"] : [button];
  for (const part of parts) {
    document.querySelectorAll(`[data-cap="${part}"]`).forEach((cap) => cap.classList.toggle("pressed", isPressed));
  }
  document.querySelectorAll(`[data-button="${button}"]`).forEach((key) => key.classList.toggle("pressed", isPressed));
}

function pressButton(button, isPressed) {
  if (state.shape?.family !== "buttons" || down.has(button) === isPressed) return;
  if (isPressed) down.add(button); else down.delete(button);
  setPressed(button, isPressed);
  post(`/button/${button}`, { action: isPressed ? "press" : "release" });
}

function releaseAll() {
  for (const button of [...down]) pressButton(button, false);
}

function perform(action) {
  if (action.button) return post(`/button/${action.button}`, { action: "press-and-release" });
  const [x, y] = action.point;
  const delay = action.hold_s ? action.hold_s + 0.3 : 0;
  return post("/finger", { action: "press-and-release", x, y, delay });
}

function listenToButtons() {
  for (const key of document.querySelectorAll("[data-button]")) {
    const button = key.dataset.button;
    key.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      key.setPointerCapture(event.pointerId);
      pressButton(button, true);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      key.addEventListener(name, () => pressButton(button, false));
    }
    key.addEventListener("contextmenu", (event) => event.preventDefault());
    key.addEventListener("keydown", (event) => {
      if (event.key === " " && !event.repeat) { event.preventDefault(); pressButton(button, true); }
    });
    key.addEventListener("keyup", (event) => {
      if (event.key === " ") { event.preventDefault(); pressButton(button, false); }
    });
  }
}

function listenToKeys() {
  const isForDevice = (event) => KEYS[event.key] && !event.ctrlKey && !event.altKey && !event.metaKey
    && !event.target.closest("aside, a, select, input");
  document.addEventListener("keydown", (event) => {
    if (!isForDevice(event)) return;
    event.preventDefault();
    if (event.repeat) return;
    if (state.shape?.family === "touch") {
      const role = { left: "previous", right: "next" }[KEYS[event.key]];
      const action = state.frame?.actions.find((candidate) => candidate.role === role);
      if (action) perform(action);
    } else pressButton(KEYS[event.key], true);
  });
  document.addEventListener("keyup", (event) => { if (KEYS[event.key]) pressButton(KEYS[event.key], false); });
  window.addEventListener("blur", releaseAll);
}

function listenToFinger(canvas, screen) {
  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button || !state.frame || state.shape?.family !== "touch") return;
    canvas.setPointerCapture(event.pointerId);
    last = screen.point(event);
    post("/finger", { action: "press", ...last });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const at = screen.point(event);
    if (Math.hypot(at.x - last.x, at.y - last.y) < 12) return;
    last = at;
    post("/finger", { action: "press", ...at });
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => {
      if (last) post("/finger", { action: "release", ...last });
      last = null;
    });
  }
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
}

function layOut() {
  if (!state.frame) return;
  const shape = shapeOf(state.status.model, state.frame.size);
  const stage = $("stage");
  const room = { width: stage.clientWidth - 48, height: Math.max(window.innerHeight - 170, 300) };
  const fit = Math.min(room.width / (shape.width * shape.unit), room.height / (shape.height * shape.unit));
  state.shape = shape;
  document.querySelector("main").dataset.family = shape.family;
  place(shape, { device: $("device"), body: $("body"), canvas: $("screen"), keys: { left: $("left"), right: $("right") },
    scale: Math.min(fit, 1.25) });
}

function valueWords(value) {
  if (value === true) return "yes";
  if (value === false) return "no";
  if (value === null || value === "") return "–";
  if (Array.isArray(value)) return value.map(valueWords).join(", ") || "–";
  if (typeof value === "object") {
    return Object.entries(value).map(([name, part]) => `${name}: ${valueWords(part)}`).join(", ");
  }
  return String(value);
}

function showStatus() {
  const { status } = state;
  const rank = (name) => (STATUS_ORDER.includes(name) ? STATUS_ORDER.indexOf(name) : STATUS_ORDER.length);
  const rows = Object.keys(status).sort((a, b) => rank(a) - rank(b)).map((name) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    const cell = document.createElement("td");
    head.scope = "row";
    head.textContent = name.replaceAll("_", " ");
    cell.textContent = valueWords(status[name]);
    row.append(head, cell);
    return row;
  });
  $("status").replaceChildren(...rows);
  $("name").textContent = [status.name, status.model].filter((word) => typeof word === "string" && word)
    .filter((word, at, all) => !at || word.toLowerCase() !== all[0].toLowerCase()).join(" · ");
  document.title = `${status.name || status.model || "device"} – tallystick`;
}

function showActions() {
  const entries = state.frame.actions.map((action) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.role = action.role;
    const word = action.label || ROLE_WORDS[action.role];
    button.textContent = action.hold_s ? `${word} (hold)` : word;
    button.addEventListener("click", () => perform(action));
    item.append(button);
    return item;
  });
  if (!entries.length) {
    const item = document.createElement("li");
    item.className = "none";
    item.textContent = "nothing: it is working";
    entries.push(item);
  }
  const focused = document.activeElement?.closest("#actions") ? document.activeElement.dataset.role : null;
  $("actions").replaceChildren(...entries);
  if (focused) ($("actions").querySelector(`[data-role="${focused}"]`) ?? $("actions").querySelector("button"))?.focus();
}

function showText() {
  const lines = state.frame.lit ? state.frame.elements.filter((entry) => entry.kind === "text").map((entry) => entry.text) : [];
  $("text").textContent = lines.join("\n");
  $("screen").setAttribute("aria-label", `Screen: ${lines.join(" ") || "dark"}`);
}

function connect(screen) {
  const say = (word, kind) => {
    $("connection").textContent = word;
    $("connection").dataset.state = kind;
  };
  const source = new EventSource("/screen?stream=true");
  source.addEventListener("open", () => say("connected", "live"));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(() => connect(screen), 1000);
    say("the device is gone; trying again", "lost");
  });
  source.addEventListener("frame", (event) => {
    state.frame = JSON.parse(event.data);
    layOut();
    screen.show(state.frame);
    showText();
    showActions();
    document.documentElement.dataset.sequence = state.frame.sequence;
  });
  source.addEventListener("status", (event) => {
    state.status = JSON.parse(event.data);
    showStatus();
    layOut();
  });
}

const screen = new Screen($("screen"), await loadAssets());
listenToButtons();
listenToKeys();
listenToFinger($("screen"), screen);
window.addEventListener("resize", layOut);
$("replug").addEventListener("submit", (event) => {
  event.preventDefault();
  post("/replug", { hold: $("hold").value || null });
});
connect(screen);
