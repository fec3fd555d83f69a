// The page: a photo, a style and a size go in, a painting comes out.

import { Camera } from "./camera.js";
import { Compare } from "./compare.js";
import { Engine } from "./engine.js";
import { cropped, fitted, grown } from "./frames.js";
import { decoded, download, draw, pixelsOf } from "./pictures.js";
import { missing } from "./problems.js";
import { listen } from "./sources.js";
import { Styles } from "./styles.js";

const SHOWN = 1536;                                          // pixels, long side of the photo on the screen
const PAUSE = 150;                                           // milliseconds without a change before it paints
const SIZE_NAMES = ["Fast", "Medium", "Large"];

const get = (id) => document.getElementById(id);
const engine = new Engine();
const compare = new Compare(get("compare"));
let model;
let styles;
let photo = null;                                            // {bitmap, name}
let timer = 0;
let painting = false;
let stale = false;                                           // whether something changed since painting began

function say(text, kind = "") {
  get("status").textContent = text;
  get("status").dataset.kind = kind;
}

function show(bitmap, name) {
  photo?.bitmap.close();
  photo = { bitmap, name };
  const scale = Math.min(1, SHOWN / Math.max(bitmap.width, bitmap.height));
  draw(get("before"), bitmap, Math.max(1, Math.round(bitmap.width * scale)),
    Math.max(1, Math.round(bitmap.height * scale)));
  get("before").setAttribute("aria-label", `Photo ${name}`);
  compare.shape(bitmap.width, bitmap.height);
  compare.painted = false;
  get("download").disabled = true;
  request();
}

async function showFile(file) {
  try {
    show(await decoded(file), file.name?.replace(/\.[^.]*$/, "") || "photo");
  } catch (error) {
    say(error.message, "error");
  }
}

/** Paints soon, once however many changes come until then. */
function request() {
  stale = true;
  get("stage").setAttribute("aria-busy", "true");
  clearTimeout(timer);
  timer = setTimeout(paintLatest, PAUSE);
}

async function paintLatest() {
  if (painting || !photo || !styles) return;
  painting = true;
  try {
    while (stale) {
      stale = false;
      await paint();
    }
  } catch (error) {
    compare.painted = false;
    get("download").disabled = true;
    say(error.message, "error");
  }
  painting = false;
  get("stage").setAttribute("aria-busy", "false");
  if (stale) request();
}

async function paint() {
  if (!styles.weights) throw new Error("Give at least one style a weight above 0.");
  const { bitmap, name } = photo;
  const longest = Number(document.querySelector("input[name=size]:checked").value);
  const { frame, width, height } = fitted(bitmap.width, bitmap.height, model.frames, longest);
  say(get("status").dataset.kind === "done" ? "Painting…" : "Loading the network and painting…");
  const label = styles.label;
  const file = new URL(frame.file.split("/").map(encodeURIComponent).join("/"), document.baseURI).href;
  const inputs = styles.inputs(grown(pixelsOf(bitmap, width, height), frame), frame);
  const { output, milliseconds, threads } = await engine.paint(file, inputs);
  if (photo.bitmap !== bitmap) return;                       // another photo has come: this one is stale
  const after = get("after");
  after.width = width;
  after.height = height;
  after.getContext("2d").putImageData(cropped(output, frame, width, height), 0, 0);
  after.setAttribute("aria-label", `Photo ${name} painted in the style of ${label}`);
  after.dataset.fileName = `${name} - ${label}`;
  compare.painted = true;
  get("download").disabled = false;
  Object.assign(get("status").dataset, { milliseconds, threads, frame: `${frame.width}x${frame.height}` });
  say(`${width} × ${height} pixels in ${(milliseconds / 1000).toFixed(2)} s on ${threads} `
    + `thread${threads > 1 ? "s" : ""}`, "done");
}

function offerSizes() {
  const sides = [...new Set(model.frames.map((frame) => Math.max(frame.width, frame.height)))].sort((a, b) => a - b);
  sides.forEach((side, index) => {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"),
      { type: "radio", name: "size", value: String(side), checked: index === Math.min(1, sides.length - 1) });
    const text = document.createElement("span");
    const pixels = Object.assign(document.createElement("small"), { textContent: `${side} px` });
    text.append(sides.length === SIZE_NAMES.length ? SIZE_NAMES[index] : "", pixels);
    input.addEventListener("change", request);
    label.append(input, text);
    get("sizes").append(label);
  });
}

async function sample() {
  const answer = await fetch("sample.jpg");
  show(await decoded(await answer.blob()), "sample");
}

async function main() {
  document.documentElement.classList.add("running");         // hides the advice to use a server
  const problem = missing();
  if (problem) {
    say(problem, "error");
    document.body.classList.add("unable");
    return;
  }
  model = await (await fetch("model.json")).json();
  get("network").textContent = model.name;
  styles = new Styles(model, { grid: get("styles"), blend: get("blend"), strength: get("strength") }, request);
  offerSizes();
  listen({ button: get("open"), input: get("file"), dropped: get("stage") }, showFile);
  const camera = new Camera(get("camera"), (bitmap) => show(bitmap, "camera"));
  get("use-camera").hidden = !Camera.possible;
  get("use-camera").addEventListener("click", () => camera.open());
  get("use-sample").addEventListener("click", sample);
  get("download").addEventListener("click", () => download(get("after"), get("after").dataset.fileName));
  await sample();
}

main().catch((error) => say(`The page could not be started: ${error.message}`, "error"));
