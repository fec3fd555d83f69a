// Starts a build of LiteRT.js in a worker: what its index.js wants of the package @litertjs/wasm-utils.

/**
 * Returns `new construct(module)` with the WebAssembly module of an Emscripten script.
 * `scriptUrl` is absolute; its .wasm lies beside it, and its threads run the same script.
 */
export async function createWasmLib(construct, scriptUrl) {
  self.importScripts(scriptUrl);                             // defines ModuleFactory
  const module = await self.ModuleFactory({
    locateFile: (name) => new URL(name, scriptUrl).href,
    mainScriptUrlOrBlob: scriptUrl,
    // LiteRT logs its every step as an error.
    printErr: (line) => (/^(VERBOSE|INFO|WARNING):/.test(line) ? console.debug : console.error)(line),
  });
  return new construct(module);
}
