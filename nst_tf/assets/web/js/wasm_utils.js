// Starts a build of LiteRT.js in a worker: what its index.js wants of the package @litertjs/wasm-utils.

/** Lines that LiteRT has logged as errors; it can go on after one, with a picture that means nothing. */
export const complaints = [];

// It logs its every step as if it were an error.
const HARMLESS = /^(VERBOSE|INFO|WARNING):|^\s*$/;

/**
 * Returns `new construct(module)` with the WebAssembly module of an Emscripten script.
 * `scriptUrl` is absolute; its .wasm lies beside it, and its threads run the same script.
 */
export async function createWasmLib(construct, scriptUrl) {
  self.importScripts(scriptUrl);                             // defines ModuleFactory
  const module = await self.ModuleFactory({
    locateFile: (name) => new URL(name, scriptUrl).href,
    mainScriptUrlOrBlob: scriptUrl,
    printErr: (line) => {
      if (HARMLESS.test(line)) console.debug(line);
      else complaints.push(line);
    },
  });
  return new construct(module);
}
