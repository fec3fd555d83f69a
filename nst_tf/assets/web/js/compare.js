// Photo and painting over each other, with a divider that mouse, finger and arrow keys move.

export class Compare {
  #figure; #range;

  constructor(figure) {
    this.#figure = figure;
    this.#range = figure.querySelector("input");
    this.#range.addEventListener("input", () => this.#show());
    this.#show();
  }

  /** Gives the figure a photo's shape. */
  shape(width, height) {
    this.#figure.style.setProperty("--ratio", width / height);
  }

  /** Shows or hides divider and painting. */
  set painted(painted) {
    this.#figure.classList.toggle("painted", painted);
    this.#range.disabled = !painted;
  }

  #show() {
    const share = Number(this.#range.value);
    this.#figure.style.setProperty("--split", `${share}%`);
    this.#range.setAttribute("aria-valuetext", `photo ${share} %, painting ${100 - share} %`);
  }
}
