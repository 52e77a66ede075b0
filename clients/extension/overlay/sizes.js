/**
 * The sizes of captions, smallest first, in pixels in the tab and in rem in the pages. A classic script, because content
 * scripts are no modules; common/caption_sizes.js is the module.
 */
globalThis.captionSizes = Object.freeze({
  small: { overlayPx: 16, pageRem: 0.93 },
  medium: { overlayPx: 22, pageRem: 1.05 },
  large: { overlayPx: 32, pageRem: 1.3 },
});
globalThis.defaultCaptionSize = "medium";
