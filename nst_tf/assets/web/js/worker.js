// Runs the network beside the page, so that the page stays alive. No module: the runtime needs importScripts.
// Takes {id, model, inputs: [{name, data, shape}]}, answers {id, output, milliseconds, threads} or {id, error}.

let runtime;                                                 // a promise of LiteRT.js
let compiled = { url: null, model: null };

async function start() {
  const litert = await import("../runtime/index.js");
  const threads = self.crossOriginIsolated && await litert.supportsFeature("relaxedSimd")
    && await litert.supportsFeature("threads");
  const { complaints } = await import("./wasm_utils.js");
  await litert.loadLiteRt(new URL("../runtime/", self.location.href).href, { threads });
  return { ...litert, complaints, threads: threads ? navigator.hardwareConcurrency : 1 };
}

// One network at a time is kept: files of other sizes hold the same weights again.
async function opened(litert, url) {
  if (compiled.url !== url) {
    compiled.model?.delete();
    compiled = { url: null, model: null };
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: HTTP status ${answer.status}`);
    const data = new Uint8Array(await answer.arrayBuffer());
    compiled = { url, model: await litert.loadAndCompile(data, { accelerator: "wasm" }) };
  }
  return compiled.model;
}

async function paint({ model: url, inputs }) {
  runtime ??= start();
  const litert = await runtime;
  const model = await opened(litert, url);
  const tensors = {};
  let outputs = {};
  try {
    for (const { name, data, shape } of inputs) tensors[name] = new litert.Tensor(data, shape);
    const begin = performance.now();
    outputs = await model.run(tensors);
    const milliseconds = performance.now() - begin;
    // Where memory ends it says so in the log, and returns all the same.
    if (litert.complaints.length) throw new Error(litert.complaints.join(" "));
    // A copy: the tensor's own numbers lie in WebAssembly's memory and go with it.
    const output = new Float32Array(outputs.stylized.toTypedArray());
    return { output, milliseconds, threads: litert.threads };
  } finally {
    for (const tensor of [...Object.values(tensors), ...Object.values(outputs)]) tensor.delete();
  }
}

self.onmessage = async ({ data: { id, ...request } }) => {
  try {
    const result = await paint(request);
    self.postMessage({ id, ...result }, [result.output.buffer]);
  } catch (error) {
    self.postMessage({ id, error: `${error?.name ?? "Error"}: ${error?.message ?? error}` });
  }
};
