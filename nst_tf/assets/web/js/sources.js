// The ways in which a photo or video comes to the page: button, drop, clipboard.

/** Calls `onFile` with a File, whichever way it comes. */
export function listen({ button, input, dropped }, onFile) {
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files.length) onFile(input.files[0]);
    input.value = "";                                        // the same file again is a change, too
  });
  let depth = 0;                                             // children send enter and leave of their own
  const holdsFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const show = () => dropped.toggleAttribute("data-drop", depth > 0);
  addEventListener("dragenter", (event) => { if (holdsFile(event)) { depth++; show(); } });
  addEventListener("dragleave", (event) => { if (holdsFile(event)) { depth = Math.max(0, depth - 1); show(); } });
  addEventListener("dragover", (event) => { if (holdsFile(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    depth = 0;
    show();
    if (event.dataTransfer.files.length) onFile(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((each) => /^(image|video)\//.test(each.type));
    if (file) onFile(file);
  });
}
