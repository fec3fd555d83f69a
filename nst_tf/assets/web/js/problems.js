// What can go wrong, in words for users.

const BROWSERS = "Please use a current Chrome, Edge, Firefox or Safari.";

/** Returns why this browser cannot paint, or "". */
export function missing() {
  if (typeof WebAssembly !== "object" || typeof WebAssembly.instantiate !== "function") {
    return `This browser has no WebAssembly, or it is switched off. ${BROWSERS}`;
  }
  if (typeof Worker !== "function" || typeof createImageBitmap !== "function") {
    return `This browser is too old for this page. ${BROWSERS}`;
  }
  return "";
}

/** Returns a sentence for an error of the runtime. */
export function explained(reason) {
  if (/CompileError|LinkError/.test(reason)) return `This browser's WebAssembly is too old. ${BROWSERS}`;
  if (/RangeError|memory|OOM|alloc|abort|unreachable/i.test(reason)) {
    return "There is not enough memory for this picture. Choose a smaller size, or close other tabs, and try again.";
  }
  if (/HTTP status|fetch|network|import/i.test(reason)) {
    return "A file of this page could not be loaded. Check that the server still runs and that the folder is whole.";
  }
  return `The network could not paint (${reason}).`;
}
