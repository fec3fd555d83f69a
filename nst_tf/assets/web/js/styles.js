// The choice of a style: cards, sliders that blend, and strength. It gives what the network wants beside the photo.

import { addressOf } from "./pictures.js";

export class Styles {
  #model; #onChange; #cards = []; #sliders = [];
  #strength;

  /** `model` is model.json; `onChange` is called after each change. */
  constructor(model, { grid, blend, strength }, onChange) {
    this.#model = model;
    this.#onChange = onChange;
    this.#strength = strength.querySelector("input");
    const choice = model.styles.length > 1;
    const sliders = blend.querySelector("[data-sliders]");
    grid.replaceChildren();                                  // of the network before
    sliders.replaceChildren();
    for (const [index, style] of model.styles.entries()) {
      grid.append(choice ? this.#card(style, index) : only(style));
      if (choice) sliders.append(this.#slider(style, index));
    }
    blend.hidden = !choice;
    strength.hidden = !["strengths", "any"].includes(model.kind);
    showValue(this.#strength);
    this.#strength.oninput = () => {
      showValue(this.#strength);
      onChange();
    };
    if (choice) this.#choose(0);
  }

  /** Weights of the styles, which add up to 1; null if all sliders stand at 0. */
  get weights() {
    if (this.#model.styles.length === 1) return [1];
    const values = this.#sliders.map((slider) => Number(slider.value));
    const total = values.reduce((sum, value) => sum + value, 0);
    return total > 0 ? values.map((value) => value / total) : null;
  }

  /** What is chosen, for file names and messages: "mosaic" or "mosaic and ink wash". */
  get label() {
    const weights = this.weights ?? [];
    return this.#model.styles.filter((_, index) => weights[index] > 0).map((style) => style.name.toLowerCase())
      .join(" and ");
  }

  /** Inputs of the network for a photo that is already one. */
  inputs(photo, frame) {
    const shape = [1, frame.height, frame.width, 3];
    const { kind, styles } = this.#model;
    const weights = this.weights;
    const strength = Number(this.#strength.value) / 100;
    if (kind === "single") return [{ name: "image", data: photo, shape }];
    if (kind === "several") {
      return [{ name: "image", data: photo, shape },
        { name: "style_weights", data: new Float32Array(weights), shape: [1, weights.length] }];
    }
    if (kind === "strengths") {
      return [{ name: "image", data: photo, shape },
        { name: "strengths", data: new Float32Array(weights.map((weight) => weight * strength)),
          shape: [1, weights.length] }];
    }
    const code = styles[0].code.map(
      (_, place) => weights.reduce((sum, weight, index) => sum + weight * styles[index].code[place], 0));
    return [{ name: "content", data: photo, shape },
      { name: "code", data: new Float32Array(code), shape: [1, code.length] },
      { name: "alpha", data: new Float32Array([strength]), shape: [1, 1] }];
  }

  #card(style, index) {
    const card = element("label", "card");
    const input = Object.assign(element("input"), { type: "radio", name: "style", value: String(index) });
    input.addEventListener("change", () => {
      this.#choose(index);
      this.#onChange();
    });
    card.append(input, picture(style), named(style));
    this.#cards.push(input);
    return card;
  }

  #slider(style, index) {
    const row = element("label", "slider");
    const input = Object.assign(element("input"), { type: "range", min: "0", max: "100", value: "0" });
    const value = element("output");
    input.addEventListener("input", () => {
      showValue(input);
      // A card stands for its style alone.
      const above = this.#sliders.filter((slider) => Number(slider.value) > 0);
      this.#cards.forEach((card, at) => { card.checked = above.length === 1 && above[0] === this.#sliders[at]; });
      this.#onChange();
    });
    row.append(named(style), value, input);
    this.#sliders[index] = input;
    return row;
  }

  #choose(index) {
    this.#cards[index].checked = true;
    this.#sliders.forEach((slider, at) => {
      slider.value = at === index ? "100" : "0";
      showValue(slider);
    });
  }
}

function showValue(input) {
  input.closest("label").querySelector("output").textContent = `${input.value} %`;
}

function only(style) {
  const card = element("div", "card only");
  card.append(picture(style), named(style));
  return card;
}

function picture(style) {
  if (style.picture) return Object.assign(element("img"), { src: addressOf(style.picture), alt: "", draggable: false });
  return Object.assign(element("span", "blank"), { textContent: style.name.slice(0, 1), ariaHidden: "true" });
}

function named(style) {
  return Object.assign(element("span", "name"), { textContent: style.name });
}

function element(tag, className = "") {
  return Object.assign(document.createElement(tag), { className });
}
