// Records what is painted, with the clip's sound, and saves it as a file.

import { save } from "./pictures.js";

const TYPES = ["video/webm;codecs=vp9,opus", "video/webm", "video/mp4"];
const BITS = 8_000_000;                                      // a second: strokes are fine, and small pictures cheap

export class Recorder {
  #canvas; #video; #onChange; #say;
  #recording = null;
  #sound = null;                                             // {context, output}: a video element has one for good

  /** `onChange` is told whether it records; `say` takes a sentence and its kind. */
  constructor(canvas, video, onChange, say) {
    this.#canvas = canvas;
    this.#video = video;
    this.#onChange = onChange;
    this.#say = say;
  }

  static get possible() {
    return typeof MediaRecorder === "function" && Boolean(HTMLCanvasElement.prototype.captureStream);
  }

  get on() { return this.#recording !== null; }

  start(name) {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const stream = this.#canvas.captureStream();
    if (hasSound(this.#video)) stream.addTrack(this.#soundTrack());
    const parts = [];
    const recording = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: BITS });
    recording.addEventListener("dataavailable", ({ data }) => parts.push(data));
    recording.addEventListener("error",
      () => this.#say("The recording failed. Try again with a smaller size.", "error"));
    recording.addEventListener("stop", () => {
      stream.getTracks().forEach((track) => track.stop());
      const type = recording.mimeType.split(";")[0];
      const extension = type.split("/")[1];
      save(new Blob(parts, { type }), `${name}.${extension}`);
      this.#say(`Recorded ${name}.${extension}`);
    });
    recording.start(1000);                                   // milliseconds a part: what was recorded is there
    this.#recording = recording;
    this.#onChange(true);
  }

  /** Ends the recording, if there is one, and hands the file to the user. */
  stop() {
    if (!this.#recording) return;
    this.#recording.stop();
    this.#recording = null;
    this.#onChange(false);
  }

  #soundTrack() {
    if (!this.#sound) {
      const context = new AudioContext();
      const output = context.createMediaStreamDestination();
      const source = context.createMediaElementSource(this.#video);
      source.connect(output);
      source.connect(context.destination);                   // it is heard, too
      this.#sound = { context, output };
    }
    this.#sound.context.resume();
    return this.#sound.output.stream.getAudioTracks()[0].clone();
  }
}

// No browser says it in the way of the standard alone.
function hasSound(video) {
  if (video.srcObject) return false;                         // a camera is opened without its microphone
  return Boolean(video.mozHasAudio || video.webkitAudioDecodedByteCount || video.audioTracks?.length);
}
