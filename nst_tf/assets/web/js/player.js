// Plays a clip or a camera painted: one picture at a time, with buttons, position and pictures a second.

import { Clip } from "./clip.js";
import { openCamera, severalCameras } from "./camera.js";
import { SLOW } from "./problems.js";
import { Recorder } from "./recorder.js";

const SECOND = 1000;                                         // milliseconds

export class Player {
  #root; #video; #canvas; #paint; #hooks;
  #clip = null;
  #facing = "environment";
  #times = [];                                               // of the pictures painted within the last second
  #recorder;

  /**
   * `paint(bitmap, name)` paints one picture, onto `canvas`; `hooks` are begin(), end(bitmap, name), say(text, kind)
   * and recording(on).
   */
  constructor(root, { video, canvas }, paint, hooks) {
    this.#root = root;
    this.#video = video;
    this.#canvas = canvas;
    this.#paint = paint;
    this.#hooks = hooks;
    this.#recorder = new Recorder(canvas, video, (on) => this.#showRecording(on), hooks.say);
    this.#get("record").hidden = !Recorder.possible;
    this.#get("play").addEventListener("click", () => this.#toggle());
    this.#get("stop").addEventListener("click", () => this.stop());
    this.#get("flip").addEventListener("click", () => this.#flip());
    this.#get("record").addEventListener("click", () => this.#record());
    this.#get("seek").addEventListener("input", ({ target }) => { video.currentTime = Number(target.value); });
    for (const event of ["play", "pause", "timeupdate", "durationchange"]) {
      video.addEventListener(event, () => this.#showState());
    }
    video.addEventListener("ended", () => this.#recorder.stop());
  }

  get playing() { return this.#clip !== null; }

  /** Plays a file painted. Rejects with an Error for users. */
  async playFile(file) {
    if (await this.#open(file.name || "video", (clip) => clip.openFile(file))) await this.#play();
  }

  /** Plays a camera's stream painted; it belongs to the player from now on. Rejects with an Error for users. */
  async playCamera(stream, facing) {
    this.#facing = facing;
    if (await this.#open("camera", (clip) => clip.openStream(stream))) {
      this.#get("flip").hidden = !await severalCameras();
    }
  }

  /** Paints the present picture again: style or size has changed. */
  repaint() { this.#clip?.touch(); }

  /** Ends it: the camera is released, and the last picture stays as a photo. */
  async stop() {
    if (!this.#clip) return;
    const name = this.#clip.name.replace(/\.[^.]*$/, "");
    const last = await createImageBitmap(this.#video);
    this.close();
    this.#hooks.end(last, name);
  }

  /** Ends it, and leaves nothing. */
  close() {
    this.#recorder.stop();
    this.#clip?.close();
    this.#clip = null;
    this.#root.hidden = true;
  }

  #get(name) { return this.#root.querySelector(`[data-${name}]`); }

  /** Returns whether it was opened: nothing else was, meanwhile. */
  async #open(name, open) {
    this.close();
    const clip = new Clip(this.#video, name, (problem) => this.#fail(problem));
    this.#clip = clip;
    try {
      await open(clip);
    } catch (error) {
      if (!clip.closed) this.close();
      throw error;
    }
    if (!clip.closed) this.#begin(clip);
    return !clip.closed;
  }

  #begin(clip) {
    this.#times = [];
    this.#root.hidden = false;
    this.#get("flip").hidden = true;
    this.#get("seek").hidden = !clip.length;
    this.#get("time").hidden = clip.live;
    this.#get("hint").textContent = self.crossOriginIsolated ? "" : SLOW;
    this.#root.dataset.painted = "0";
    delete this.#root.dataset.fps;
    this.#get("fps").textContent = "";
    this.#hooks.begin();
    this.#showState();
    this.#run(clip);
  }

  // One picture is in flight; those that the video shows meanwhile are dropped.
  async #run(clip) {
    for (;;) {
      await clip.next();
      if (clip.closed) return;
      try {
        const bitmap = await createImageBitmap(this.#video);
        await this.#paint(bitmap, clip.name);
        bitmap.close();
      } catch (error) {
        if (clip.closed) return;
        this.#fail(error.message);
      }
      this.#count();
    }
  }

  #count() {
    const now = performance.now();
    // At least one gap: a slow network paints less than one picture a second.
    const last = this.#times.at(-1);
    this.#times = [...this.#times.filter((time) => now - time <= SECOND || time === last), now];
    this.#root.dataset.painted = String(Number(this.#root.dataset.painted) + 1);
    const gaps = this.#times.slice(1).map((time, index) => time - this.#times[index]).sort((a, b) => a - b);
    if (!gaps.length) return;
    const half = gaps.length >> 1;
    const median = gaps.length % 2 ? gaps[half] : (gaps[half - 1] + gaps[half]) / 2;
    const rate = SECOND / median;
    this.#root.dataset.fps = rate.toFixed(2);
    this.#get("fps").textContent = `${rate.toFixed(rate < 10 ? 1 : 0)} frames a second`;
  }

  async #play() {
    try {
      await this.#video.play();
    } catch (error) {
      // Browsers play sound only after a click; other errors are told by the element's own event.
      if (error.name === "NotAllowedError") this.#hooks.say("Press Play to begin.");
    }
  }

  #toggle() {
    if (this.#video.paused) this.#play();
    else this.#video.pause();
  }

  async #flip() {
    const facing = this.#facing === "user" ? "environment" : "user";
    this.close();                                            // phones open one camera at a time
    try {
      await this.playCamera(await openCamera(facing), facing);
      this.#get("flip").focus();
    } catch (error) {
      this.#hooks.say(error.message, "error");
    }
  }

  #record() {
    if (this.#recorder.on) {
      this.#recorder.stop();
      return;
    }
    this.#recorder.start(this.#canvas.dataset.fileName);
    if (this.#video.paused) this.#play();
  }

  #fail(problem) {
    this.#recorder.stop();
    this.#video.pause();
    this.#hooks.say(problem, "error");
  }

  #showRecording(on) {
    this.#get("record").textContent = on ? "Save the recording" : "Record";
    this.#root.classList.toggle("recording", on);
    this.#hooks.recording(on);
  }

  #showState() {
    if (!this.#clip) return;
    const { currentTime, paused } = this.#video;
    const length = this.#clip.length;
    this.#get("play").textContent = paused ? "Play" : "Pause";
    const text = length ? `${clock(currentTime)} of ${clock(length)}` : clock(currentTime);
    this.#get("time").textContent = text;
    const seek = this.#get("seek");
    seek.hidden = !length;
    seek.max = String(length);
    seek.step = String(Math.max(0.04, length / 200));
    seek.value = String(currentTime);
    seek.setAttribute("aria-valuetext", text);
  }
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
