/**
 * Runs before the first line of an offscreen document. What is captured stays real; the samples of each frame that the
 * session takes are replaced by ones that tell their position, as sandbox/recognition/ruler.py reads them.
 */
(() => {
  /**
   * `position`: how many samples sessions took; it goes on where the last document ended. Without breath there are no
   * pauses. `wallAheadMs`: how wrong the computer's clock is.
   */
  const speech = { position: 0, sampleRate: 16_000, isBreathless: false, wallAheadMs: 0 };
  Object.assign(speech, /* SPEECH */);
  globalThis.speech = speech;
  const now = Date.now;
  Date.now = () => now() + speech.wallAheadMs;

  /* CODED */

  import(chrome.runtime.getURL("sdk/live-transcription.mjs")).then(({ LiveSession }) => {
    const { feed } = LiveSession.prototype;
    LiveSession.prototype.feed = function (frame) {
      const length = (frame.length * speech.sampleRate) / 16_000;
      const ms = (speech.position * 1000) / speech.sampleRate;
      const isSoft = !speech.isBreathless && ms % 2_000 >= 1_600;
      const isUsed = feed.call(this, coded(speech.position, length, isSoft));
      if (isUsed) report(JSON.stringify((speech.position += length)));
      return isUsed;
    };
  });
})();
