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

export const SLOW = "Painting is slow, as this page may not use threads here: serve it by its own serve.py.";

/** Returns a sentence for an error of a camera. */
export function cameraProblem({ name }) {
  if (name === "NotAllowedError" || name === "SecurityError") {
    return "The camera is not allowed here. Allow it in the browser's settings for this page.";
  }
  if (name === "NotFoundError" || name === "OverconstrainedError") {
    return "No camera was found. Connect one and try again.";
  }
  if (name === "Ended") return "The camera was disconnected. Connect it and try again.";
  return "The camera could not be started. Close other programs that use it and try again.";
}

/** Returns a sentence for a video element that does not play its file. */
export function clipProblem(name, video) {
  if (video.error && video.readyState > 0 && video.currentTime > 0) {
    return `${name} breaks off after ${video.currentTime.toFixed(1)} s: the file is damaged there.`;
  }
  if (!video.error) return `${name} has no pictures that this browser can read. Try an MP4 (H.264) or WebM.`;
  return `${name} is no video that this browser can play. Try an MP4 (H.264) or WebM.`;
}
