// The page: a photo or a video, a style and a size go in, a painting comes out.

import { Camera } from "./camera.js";
import { Compare } from "./compare.js";
import { Engine } from "./engine.js";
import { cropped, fitted, grown } from "./frames.js";
import { addressOf, decoded, download, draw, pixelsOf } from "./pictures.js";
import { Player } from "./player.js";
import { missing } from "./problems.js";
import { listen } from "./sources.js";
import { Styles } from "./styles.js";

const SHOWN = 1536;                                          // pixels, long side of the photo on the screen
const PAUSE = 150;                                           // milliseconds without a change before it paints
const SIZE_NAMES = ["Fast", "Medium", "Large"];

const get = (id) => document.getElementById(id);
const engine = new Engine();
const compare = new Compare(get("compare"));
let player;
let model;                                                   // the chosen one of model.json
let styles;
let photo = null;                                            // {bitmap, name}; null while a video plays
let photoSide = 0;                                           // the size chosen for photos, while a video has its own
let timer = 0;
let painting = false;
let stale = false;                                           // whether something changed since painting began

function say(text, kind = "") {
  if (get("status").textContent !== text) get("status").textContent = text;  // or it would be read out again
  get("status").dataset.kind = kind;
}

function show(bitmap, name) {
  player.close();
  if (photoSide) chooseSide(photoSide);
  photoSide = 0;
  photo?.bitmap.close();
  photo = { bitmap, name };
  showOriginal(bitmap, `Photo ${name}`);
  hidePainting();
  request();
}

function showOriginal(bitmap, label) {
  const scale = Math.min(1, SHOWN / Math.max(bitmap.width, bitmap.height));
  draw(get("before"), bitmap, Math.max(1, Math.round(bitmap.width * scale)),
    Math.max(1, Math.round(bitmap.height * scale)));
  get("before").setAttribute("aria-label", label);
  compare.shape(bitmap.width, bitmap.height);
}

function hidePainting() {
  compare.painted = false;
  get("download").disabled = true;
}

async function showFile(file) {
  try {
    if (file.type.startsWith("video/")) await player.playFile(file);
    else show(await decoded(file), file.name?.replace(/\.[^.]*$/, "") || "photo");
  } catch (error) {
    say(error.message, "error");
  }
}

async function showCamera(stream, facing) {
  try {
    await player.playCamera(stream, facing);
  } catch (error) {
    say(error.message, "error");
  }
}

/** Paints soon, once however many changes come until then. */
function request() {
  if (player.playing) {
    player.repaint();
    return;
  }
  if (!photo) return;
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
      await paintPhoto();
    }
  } catch (error) {
    hidePainting();
    say(error.message, "error");
  }
  painting = false;
  get("stage").setAttribute("aria-busy", "false");
  if (stale) request();
}

async function paintPhoto() {
  const { bitmap, name } = photo;
  say(get("status").dataset.kind === "done" ? "Painting…" : "Loading the network and painting…");
  const painted = await paint(bitmap);
  if (photo?.bitmap !== bitmap) return;                      // another photo has come: this one is stale
  showPainting(painted, name, "Photo");
  const { picture, milliseconds, threads } = painted;
  say(`${picture.width} × ${picture.height} pixels in ${(milliseconds / 1000).toFixed(2)} s on ${threads} `
    + `thread${threads > 1 ? "s" : ""}`, "done");
}

/** Paints one picture of a video, and shows both, which belong together. */
async function paintFrame(bitmap, name) {
  const painted = await paint(bitmap);
  if (!player.playing) return;
  showOriginal(bitmap, `Video ${name}`);
  showPainting(painted, name, "Video");
  const { picture, threads } = painted;
  say(`${name} at ${picture.width} × ${picture.height} pixels on ${threads} thread${threads > 1 ? "s" : ""}`, "done");
}

async function paint(bitmap) {
  if (!styles.weights) throw new Error("Give at least one style a weight above 0.");
  const { frame, width, height } = fitted(bitmap.width, bitmap.height, model.frames, chosenSide());
  const label = styles.label;
  const inputs = styles.inputs(grown(pixelsOf(bitmap, width, height), frame), frame);
  const { output, milliseconds, threads } = await engine.paint(addressOf(frame.file), inputs);
  return { picture: cropped(output, frame, width, height), frame, milliseconds, threads, label };
}

function showPainting({ picture, frame, milliseconds, threads, label }, name, kind) {
  const after = get("after");
  if (after.width !== picture.width || after.height !== picture.height) {
    after.width = picture.width;
    after.height = picture.height;
  }
  after.getContext("2d").putImageData(picture, 0, 0);
  after.setAttribute("aria-label", `${kind} ${name} painted in the style of ${label}`);
  after.dataset.fileName = `${name.replace(/\.[^.]*$/, "")} - ${label}`;
  compare.painted = true;
  get("download").disabled = false;
  Object.assign(get("status").dataset, { milliseconds, threads, frame: `${frame.width}x${frame.height}` });
}

const chosenSide = () => Number(document.querySelector("input[name=size]:checked").value);

function chooseSide(side) {
  document.querySelector(`input[name=size][value="${side}"]`).checked = true;
}

function sides() {
  return [...new Set(model.frames.map((frame) => Math.max(frame.width, frame.height)))].sort((a, b) => a - b);
}

function offerSizes() {
  get("sizes").replaceChildren(...sides().map((side, index, all) => {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"),
      { type: "radio", name: "size", value: String(side), checked: index === Math.min(1, all.length - 1) });
    const text = document.createElement("span");
    const pixels = Object.assign(document.createElement("small"), { textContent: `${side} px` });
    text.append(all.length === SIZE_NAMES.length ? SIZE_NAMES[index] : "", pixels);
    input.addEventListener("change", request);
    label.append(input, text);
    return label;
  }));
}

function choose(chosen) {
  model = chosen;
  get("network").textContent = model.name;
  styles = new Styles(model, { grid: get("styles"), blend: get("blend"), strength: get("strength") }, request);
}

function offerModels(models) {
  get("models").hidden = models.length < 2;
  get("model").append(...models.map(({ name }, index) => new Option(name, String(index))));
  get("model").addEventListener("change", ({ target }) => {
    choose(models[Number(target.value)]);
    request();
  });
  choose(models[0]);
}

async function sample() {
  const answer = await fetch("sample.jpg");
  show(await decoded(await answer.blob()), "sample");
}

/** A video begins: with the smallest size, which paints the most pictures a second. */
function beginVideo() {
  photo?.bitmap.close();
  photo = null;
  stale = false;
  clearTimeout(timer);
  get("stage").setAttribute("aria-busy", "false");
  hidePainting();
  photoSide ||= chosenSide();
  chooseSide(sides()[0]);
}

async function main() {
  document.documentElement.classList.add("running");         // hides the advice to use a server
  const problem = missing();
  if (problem) {
    say(problem, "error");
    document.body.classList.add("unable");
    return;
  }
  const { models } = await (await fetch("model.json")).json();
  offerModels(models);
  offerSizes();
  player = new Player(get("player"), { video: get("video"), canvas: get("after") }, paintFrame, {
    begin: beginVideo,
    end: show,
    say,
    // A recording has one size and one network.
    recording: (on) => document.querySelectorAll("#model, #sizes input").forEach((each) => { each.disabled = on; }),
  });
  listen({ button: get("open"), input: get("file"), dropped: get("stage") }, showFile);
  const camera = new Camera(get("camera"), (bitmap) => show(bitmap, "camera"), showCamera);
  get("use-camera").hidden = !Camera.possible;
  get("use-camera").addEventListener("click", async () => {
    await player.stop();
    camera.open();
  });
  get("use-sample").addEventListener("click", sample);
  get("download").addEventListener("click", () => download(get("after"), get("after").dataset.fileName));
  await sample();
}

main().catch((error) => say(`The page could not be started: ${error.message}`, "error"));
