// A dialog that takes a photo with a camera.

export class Camera {
  #dialog; #video; #message; #shutter; #flip;
  #stream = null;
  #facing = "environment";

  /** `onPhoto` gets an ImageBitmap. */
  constructor(dialog, onPhoto) {
    this.#dialog = dialog;
    this.#video = dialog.querySelector("video");
    this.#message = dialog.querySelector("[data-message]");
    this.#shutter = dialog.querySelector("[data-shutter]");
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
    this.#shutter.disabled = true;
    this.#message.textContent = "Waiting for the camera…";
    try {
      const stream = await navigator.mediaDevices.getUserMedia(
        { video: { facingMode: { ideal: this.#facing }, width: { ideal: 1280 } } });
      this.#stream = stream;
      if (!this.#dialog.open) return this.#stop();           // closed while the browser asked
      this.#video.srcObject = stream;
      await this.#video.play();
      this.#shutter.disabled = false;
      this.#shutter.focus();
      this.#message.textContent = "";
      const devices = await navigator.mediaDevices.enumerateDevices();
      this.#flip.hidden = devices.filter((device) => device.kind === "videoinput").length < 2;
    } catch (error) {
      this.#message.textContent = error.name === "NotAllowedError"
        ? "The camera is not allowed here. Allow it in the browser's settings for this page."
        : "No camera was found, or another program is using it.";
    }
  }

  #stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
  }
}
