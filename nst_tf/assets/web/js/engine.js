// The page's side of the worker: paints one picture at a time.

import { explained } from "./problems.js";

export class Engine {
  #worker = null;
  #waiting = new Map();
  #next = 1;

  /**
   * Resolves to {output: Float32Array, milliseconds, threads}; rejects with an Error whose message is for users.
   * The worker takes the inputs' numbers over: they are empty here afterwards.
   */
  paint(model, inputs) {
    this.#worker ??= this.#started();
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, model, inputs }, inputs.map(({ data }) => data.buffer));
    });
  }

  #started() {
    const worker = new Worker(new URL("worker.js", import.meta.url));
    worker.onmessage = ({ data }) => {
      if (data.error) this.#fail(data.error);
      else this.#taken(data.id)?.resolve(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(event.message ?? "the worker could not be started");
    };
    return worker;
  }

  #taken(id) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  // WebAssembly that ran out of memory does not recover: the next picture gets a new worker.
  #fail(reason) {
    console.error(reason);
    this.#worker?.terminate();
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(new Error(explained(reason)));
    this.#waiting.clear();
  }
}
