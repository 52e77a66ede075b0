/** What the line above the captions says: a pure function. */
(() => {
  const STATES = {
    starting: "overlay_starting",
    reconnecting: "overlay_reconnecting",
    paused: "overlay_paused",
    stopping: "overlay_stopping",
  };

  /**
   * The name of a text, its values, and whether it is one that the user must act on. The most urgent one is first. A value
   * `{ credits }` is written as a text of its own, in the plural form that the language has for this count.
   */
  function statusOf({ state, ended, endsInSeconds, warning, minutesLeft, creditsPerMinute }) {
    if (state === "ended") return { name: `overlay_ended_${ended}`, values: [], isAlert: ended !== "stopped" };
    if (endsInSeconds !== undefined) return { name: "overlay_ends_in", values: [Math.max(0, Math.round(endsInSeconds))], isAlert: true };
    if (STATES[state]) return { name: STATES[state], values: [], isAlert: state === "reconnecting" };
    if (warning !== undefined) {
      const values = warning === "credits_low" ? [Math.floor(minutesLeft ?? 0)] : [];
      return { name: `overlay_${warning}`, values, isAlert: warning !== "no_audio" };
    }
    if (minutesLeft !== undefined && creditsPerMinute !== undefined) {
      return { name: "overlay_lease", values: [{ credits: creditsPerMinute }, Math.floor(minutesLeft)], isAlert: false };
    }
    return { name: "overlay_listening", values: [], isAlert: false };
  }

  globalThis.captionStatus = { statusOf };
})();
