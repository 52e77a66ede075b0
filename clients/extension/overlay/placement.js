/**
 * Where the captions are: pure functions. A placement has fractions of the window, so it fits windows of other sizes;
 * a rectangle has pixels. A classic script, because content scripts are no modules; tests load it as well.
 */
(() => {
  const MARGIN = 8;
  const MIN_WIDTH = 220;
  const MIN_HEIGHT = 96;
  /** The default is not narrower, where the window is wide enough. */
  const READABLE_WIDTH = 480;
  const DEFAULT_PLACEMENT = Object.freeze({ left: 0.2, top: 0.72, width: 0.6, height: 0.22 });

  const clamp = (value, low, high) => Math.max(low, Math.min(value, Math.max(low, high)));
  const isFraction = (value) => typeof value === "number" && value >= 0 && value <= 1;

  /** A placement without anything else; undefined where a side is missing or outside of the window. */
  function readPlacement(placement) {
    const sides = Object.keys(DEFAULT_PLACEMENT).map((side) => [side, placement?.[side]]);
    return sides.every(([, value]) => isFraction(value)) ? Object.fromEntries(sides) : undefined;
  }

  /** The rectangle of a placement, whole and inside of the window; the default where the placement is missing or broken. */
  function toRectangle(placement, viewport) {
    const chosen = readPlacement(placement);
    const { left, top, width, height } = chosen ?? DEFAULT_PLACEMENT;
    const wide = chosen ? width * viewport.width : Math.max(width * viewport.width, READABLE_WIDTH);
    const start = chosen ? left * viewport.width : (viewport.width - wide) / 2;
    return fit({ left: start, top: top * viewport.height, width: wide, height: height * viewport.height }, viewport);
  }

  function toPlacement({ left, top, width, height }, viewport) {
    const round = (value) => clamp(Math.round(value * 10_000) / 10_000, 0, 1);
    return {
      left: round(left / viewport.width),
      top: round(top / viewport.height),
      width: round(width / viewport.width),
      height: round(height / viewport.height),
    };
  }

  function move(rectangle, right, down, viewport) {
    return fit({ ...rectangle, left: rectangle.left + right, top: rectangle.top + down }, viewport);
  }

  /** The corner at the bottom right moves; the one at the top left stays. */
  function resize(rectangle, wider, higher, viewport) {
    const width = clamp(rectangle.width + wider, MIN_WIDTH, viewport.width - MARGIN - rectangle.left);
    const height = clamp(rectangle.height + higher, MIN_HEIGHT, viewport.height - MARGIN - rectangle.top);
    return fit({ ...rectangle, width, height }, viewport);
  }

  function fit({ left, top, width, height }, viewport) {
    const fittingWidth = Math.round(clamp(width, MIN_WIDTH, viewport.width - 2 * MARGIN));
    const fittingHeight = Math.round(clamp(height, MIN_HEIGHT, viewport.height - 2 * MARGIN));
    return {
      left: Math.round(clamp(left, MARGIN, viewport.width - fittingWidth - MARGIN)),
      top: Math.round(clamp(top, MARGIN, viewport.height - fittingHeight - MARGIN)),
      width: fittingWidth,
      height: fittingHeight,
    };
  }

  globalThis.captionPlacement = { DEFAULT_PLACEMENT, readPlacement, toRectangle, toPlacement, move, resize };
})();
