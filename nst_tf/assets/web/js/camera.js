// A dialog that shows a camera, and takes a photo with it or has it painted live.

import { cameraProblem } from "./problems.js";

/** Resolves to a camera's stream: "user" faces the user, "environment" the world. Rejects with an Error for users. */
export async function openCamera(facing) {
  try {
    const video = { facingMode: { ideal: facing }, width: { ideal: 1280 } };
    return await navigator.mediaDevices.getUserMedia({ video });
  } catch (error) {
    throw new Error(cameraProblem(error));
  }
}

/** Whether there is another camera to change to. */
export async function severalCameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === "videoinput").length > 1;
}

export class Camera {
  #dialog; #video; #message; #shutter; #live; #flip;
  #stream = null;
  #facing = "environment";

  /** `onPhoto` gets an ImageBitmap, `onLive` the stream and where it faces. */
  constructor(dialog, onPhoto, onLive) {
    this.#dialog = dialog;
    this.#video = dialog.querySelector("video");
    this.#message = dialog.querySelector("[data-message]");
    this.#shutter = dialog.querySelector("[data-shutter]");
    this.#live = dialog.querySelector("[data-live]");
    this.#flip = dialog.querySelector("[data-flip]");
    dialog.addEventListener("close", () => this.#stop());
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
    this.#flip.addEventListener("click", () => {
      this.#facing = this.#facing === "user" ? "environment" : "user";
      this.#start();
    });
    this.#shutter.addEventListener("click", async () => {
      const photo = await createImageBitmap(this.#video);
      dialog.close();
      onPhoto(photo);
    });
    this.#live.addEventListener("click", () => {
      const stream = this.#stream;
      this.#stream = null;                                   // closing must not stop it
      dialog.close();
      onLive(stream, this.#facing);
    });
  }

  /** Whether there may be a camera: browsers give none to pages without https, localhost excepted. */
  static get possible() {
    return Boolean(navigator.mediaDevices?.getUserMedia);
  }

  open() {
    this.#dialog.showModal();
    return this.#start();
  }

  async #start() {
    this.#stop();
    this.#enable(false);
    this.#message.textContent = "Waiting for the camera…";
    try {
      const stream = await openCamera(this.#facing);
      this.#stream = stream;
      if (!this.#dialog.open) return this.#stop();           // closed while the browser asked
      this.#video.srcObject = stream;
      await this.#video.play();
      this.#enable(true);
      this.#shutter.focus();
      this.#message.textContent = "";
      this.#flip.hidden = !await severalCameras();
    } catch (error) {
      this.#message.textContent = error.message;
    }
  }

  #enable(on) {
    this.#shutter.disabled = !on;
    this.#live.disabled = !on;
  }

  #stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
  }
}
