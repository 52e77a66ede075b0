/** The sizes of captions: overlay/sizes.js as a module. */
import "../overlay/sizes.js";

const sizes = globalThis.captionSizes;
export const DEFAULT_CAPTION_SIZE = globalThis.defaultCaptionSize;

export const CAPTION_SIZES = Object.freeze(Object.keys(sizes));

/** Makes the captions in an element of a page as large as the user chose. */
export function setCaptionSize(element, size) {
  element.style.setProperty("--caption-size", `${(sizes[size] ?? sizes[DEFAULT_CAPTION_SIZE]).pageRem}rem`);
  return element;
}
