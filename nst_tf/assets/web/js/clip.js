// A video element that plays a file or a camera, and tells when there is a picture that was not painted yet.

import { cameraProblem, clipProblem } from "./problems.js";

export class Clip {
  #wake = null;
  #fresh = false;
  #file = null;
  #closed = false;

  /** `onProblem` gets a sentence for users when the video breaks off. */
  constructor(video, name, onProblem) {
    this.video = video;
    this.name = name;
    this.onProblem = onProblem;
    this.lasting = new AbortController();                    // ends all listeners at once
    for (const event of ["seeked", "pause", "ended"]) this.on(event, () => this.touch());
    this.#watch();
  }

  on(event, listener) {
    this.video.addEventListener(event, listener, { signal: this.lasting.signal });
  }

  get live() { return !this.#file; }
  get closed() { return this.#closed; }
  /** Seconds; 0 for a camera, and for files that do not say how long they are. */
  get length() { return Number.isFinite(this.video.duration) ? this.video.duration : 0; }

  /** Opens a file up to its first picture. Rejects with an Error for users. */
  async openFile(file) {
    this.#file = URL.createObjectURL(file);
    this.video.muted = false;
    this.video.src = this.#file;
    await new Promise((resolve, reject) => {
      this.on("loadeddata", resolve);
      this.on("error", () => reject(new Error(clipProblem(this.name, this.video))));
    });
    if (!this.video.videoWidth) throw new Error(clipProblem(this.name, this.video));
    this.on("error", () => this.onProblem(clipProblem(this.name, this.video)));
  }

  /** Plays a camera's stream. */
  async openStream(stream) {
    this.video.muted = true;
    this.video.srcObject = stream;
    for (const track of stream.getTracks()) {
      track.addEventListener("ended", () => this.onProblem(cameraProblem({ name: "Ended" })),
        { signal: this.lasting.signal });
    }
    try {
      await this.video.play();
    } catch (error) {
      throw new Error(cameraProblem(error));
    }
  }

  /** Resolves when there is a picture that was not painted: pictures that come meanwhile are left out. */
  async next() {
    if (!this.#fresh && !this.#closed) await new Promise((resolve) => { this.#wake = resolve; });
    this.#fresh = false;
  }

  /** Has the present picture painted again, as style and size have changed. */
  touch() {
    this.#fresh = true;
    this.#wake?.();
  }

  /** Releases the camera or the file. */
  close() {
    this.#closed = true;
    this.lasting.abort();
    this.video.pause();
    this.video.srcObject?.getTracks().forEach((track) => track.stop());
    this.video.srcObject = null;
    this.video.removeAttribute("src");
    this.video.load();
    if (this.#file) URL.revokeObjectURL(this.#file);
    this.touch();
  }

  #watch() {
    let last = -1;
    const ask = this.video.requestVideoFrameCallback
      ? (callback) => this.video.requestVideoFrameCallback(callback)
      : (callback) => requestAnimationFrame(callback);
    const look = () => {
      if (this.#closed) return;
      if (this.video.requestVideoFrameCallback || this.video.currentTime !== last) this.touch();
      last = this.video.currentTime;
      ask(look);
    };
    ask(look);
  }
}
