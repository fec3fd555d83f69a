// Fits photos of any size into the fixed frames that the network has been exported for.

/**
 * Returns the frame in which most of a photo's pixels stay, of those with sides up to `longest`, and the size that
 * the photo has in it. Photos keep their shape and are never enlarged.
 */
export function fitted(width, height, frames, longest) {
  let best = null;
  for (const frame of frames) {
    if (Math.max(frame.width, frame.height) > longest) continue;
    const scale = Math.min(1, frame.width / width, frame.height / height);
    const size = {
      frame,
      width: Math.max(1, Math.round(width * scale)),
      height: Math.max(1, Math.round(height * scale)),
    };
    const pixels = size.width * size.height;
    const area = frame.width * frame.height;
    if (!best || pixels > best.pixels || (pixels === best.pixels && area < best.area)) best = { size, pixels, area };
  }
  return best?.size;
}

/** Returns for each position below `stop` which of `side` pixels stands there: ... 2 1 0 1 2 3 2 1 0 1 ... */
export function mirrored(side, stop) {
  const period = Math.max(2 * (side - 1), 1);
  return Array.from({ length: stop }, (_, index) => Math.min(index % period, period - (index % period), side - 1));
}

/** Returns RGBA bytes as RGB float32 in [0, 1], mirrored at the right and at the bottom up to the frame. */
export function grown(pixels, frame) {
  const columns = mirrored(pixels.width, frame.width);
  const rows = mirrored(pixels.height, frame.height);
  const data = new Float32Array(frame.width * frame.height * 3);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = 4 * (row * pixels.width + column);
      data[at++] = pixels.data[from] / 255;
      data[at++] = pixels.data[from + 1] / 255;
      data[at++] = pixels.data[from + 2] / 255;
    }
  }
  return data;
}

/** Returns the part of a frame's RGB floats in [0, 1] that is the photo, as ImageData. */
export function cropped(data, frame, width, height) {
  const pixels = new ImageData(width, height);               // bytes that round and clip by themselves
  let at = 0;
  for (let row = 0; row < height; row++) {
    let from = 3 * row * frame.width;
    for (let column = 0; column < width; column++) {
      pixels.data[at++] = 255 * data[from++];
      pixels.data[at++] = 255 * data[from++];
      pixels.data[at++] = 255 * data[from++];
      pixels.data[at++] = 255;
    }
  }
  return pixels;
}
