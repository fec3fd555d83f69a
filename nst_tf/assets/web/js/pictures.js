// Photos in: decoded, turned upright, made smaller. Pictures out: saved as a file.

/** Returns an ImageBitmap of a file; EXIF orientation is applied. Rejects with an Error for users. */
export async function decoded(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(`${file.name || "This file"} is no picture or video that this browser can read. `
      + "Try a JPEG, PNG, MP4 or WebM.");
  }
}

/** Draws a bitmap on a canvas, resized and on white where it is transparent. */
export function draw(canvas, bitmap, width, height) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
}

/** Returns a bitmap's pixels at a size as ImageData. */
export function pixelsOf(bitmap, width, height) {
  const canvas = document.createElement("canvas");
  draw(canvas, bitmap, width, height);
  return canvas.getContext("2d").getImageData(0, 0, width, height);
}

/** Returns the address of a file of the page, whose name may have any signs. */
export function addressOf(path) {
  return new URL(path.split("/").map(encodeURIComponent).join("/"), document.baseURI).href;
}

/** Hands a canvas to the user as a PNG file. */
export async function download(canvas, name) {
  save(await new Promise((resolve) => canvas.toBlob(resolve, "image/png")), `${name}.png`);
}

/** Hands a blob to the user as a file. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser reads it after the click: not at once.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
