/** The stored picture of the live session: all that a page needs to draw it, also when it is opened later. */
import { endNameOf } from "./ends.js";

export const VIEW_KEY = "live";
/** So many captions and gaps are in the view, and so many lines in the overlay. */
const KEPT = 50;
const LINES = 12;

/**
 * - `state`: idle, starting, live, reconnecting, paused, stopping or ended.
 * - `captions`: the last final ones; `partial`: the words of the current turn so far.
 * - `gaps`: parts without words, the last ones.
 * - `warnings`: the codes of all that apply now; `warning`: the most important one that is drawn, { code }.
 * - `overlay`: `shown`, `hidden` by the user, or `unavailable` where the browser does not allow it on the page.
 * - `userId`: whose words they are: nobody else who signs in sees them. `apiUrl`: the API at which the session runs.
 * - `isStopRequested`: the user stopped the session while it was starting.
 * - `interrupted`: a session of an earlier run, { sessionId, transcriptId, tabTitle?, stopAtMs? }: to be resumed or stopped.
 * - `isMicrophoneGone`: the microphone was unplugged, and the tab alone is recorded.
 * - `ended`: { reason, billedSeconds?, creditsUsed?, cause? }, with the cause `tab_closed` or `recorder_lost`, which is the
 *   browser's end of the offscreen document; `error`: { code, message }.
 */
export const EMPTY_VIEW = Object.freeze({ state: "idle", captions: [], gaps: [] });

/** The texts of the warnings that are drawn. The most important one is first: it is the only one in a narrow place. */
export const WARNING_TEXTS = Object.freeze({
  credits_low: "overlay_credits_low",
  words_limit: "overlay_words_limit",
  words_rejected: "overlay_words_rejected",
  save_failing: "overlay_save_failing",
  no_audio: "overlay_no_audio",
});

/** Whether a session runs in this state. */
export function isActive(state) {
  return state !== undefined && state !== "idle" && state !== "ended";
}

/** The view after an event of the SDK's live session, or of the recorder: `opened`, `source_ended`. */
export function fold(view, event, data = {}) {
  return (FOLDS[event] ?? keep)(view, data);
}

const keep = (view) => view;

const FOLDS = {
  /** An interrupted session is this one, or is stopped now that another one runs. */
  opened: (view, { sessionId, transcriptId }) => without({ ...view, sessionId, transcriptId }, "interrupted"),

  /** The event `ended` follows the state of this name, and has the reason: until then the view is not of an ended session. */
  state(view, { state }) {
    if (state === "ended") return view;
    return state === "stopping" ? without({ ...view, state }, "partial") : { ...view, state };
  },

  partial: (view, partial) => ({ ...view, partial }),

  final(view, caption) {
    const known = view.captions.some(({ seq }) => seq === caption.seq);
    const captions = known ? view.captions : [...view.captions, caption].slice(-KEPT);
    return without({ ...view, captions }, "partial");
  },

  lease: (view, lease) => ({ ...view, lease }),

  credits: (view, credits) => ({ ...view, credits }),

  warnings(view, { codes }) {
    const code = Object.keys(WARNING_TEXTS).find((drawn) => codes.includes(drawn));
    const next = without({ ...view, warnings: codes }, "warning");
    return code === undefined ? next : { ...next, warning: { code } };
  },

  uncovered(view, gap) {
    const last = view.gaps.at(-1);
    const joins = last && last.reason === gap.reason && gap.startMs <= last.endMs && gap.startMs >= last.startMs;
    const joined = joins ? { ...last, endMs: Math.max(last.endMs, gap.endMs) } : gap;
    return { ...view, gaps: [...(joins ? view.gaps.slice(0, -1) : view.gaps), joined].slice(-KEPT) };
  },

  source_ended: (view, { source }) => (source === "tab" ? { ...view, cause: "tab_closed" } : { ...view, isMicrophoneGone: true }),

  ended(view, { reason, stopped, error }) {
    const ended = { reason };
    if (view.cause !== undefined) ended.cause = view.cause;
    if (stopped) Object.assign(ended, { billedSeconds: stopped.billed_seconds, creditsUsed: stopped.credits_used });
    const after = without({ ...view, state: "ended", ended }, "partial", "warning", "warnings", "cause", "error", "isStopRequested");
    return error ? { ...after, error } : after;
  },
};

function without(view, ...names) {
  return Object.fromEntries(Object.entries(view).filter(([name]) => !names.includes(name)));
}

/**
 * The view of a session that is being started on a tab. With `sessionId` an interrupted one is resumed, whose captions and gaps stay.
 * What is offered in the view before it stays until the session has begun: the start may fail.
 */
export function startingView({ tabId, tabTitle, userId, sessionId, nowMs }, { interrupted, ...before } = EMPTY_VIEW) {
  const view = { ...EMPTY_VIEW, state: "starting", tabId, tabTitle, userId, startedAtMs: nowMs };
  if (interrupted) view.interrupted = interrupted;
  if (sessionId !== undefined) Object.assign(view, { sessionId }, before.sessionId === sessionId && { captions: before.captions, gaps: before.gaps });
  return view;
}

/** Whether a view shows nothing of another user. */
export function belongsTo(view, userId) {
  return view.userId === undefined || view.userId === userId;
}

/** What a user may see of the view: of a session of another one, only that it runs, so that it can be stopped. */
export function viewFor(userId, view) {
  if (belongsTo(view, userId)) return view;
  return isActive(view.state) ? { ...EMPTY_VIEW, state: view.state } : EMPTY_VIEW;
}

/** What the overlay draws: the last lines and the state, without what the page of the tab need not know. */
export function overlayView(view) {
  const { state, captions, partial, warning, credits, gaps, lease } = view;
  const said = captions.map(({ seq, text, speaker, startMs }) => ({ key: `caption-${seq}`, text, speaker, startMs }));
  const missed = gaps
    .map(({ startMs, endMs }) => ({ key: `gap-${startMs}`, seconds: Math.round((endMs - startMs) / 1000), startMs }))
    .filter(({ seconds }) => seconds > 0);
  const lines = [...said, ...missed].sort((one, other) => one.startMs - other.startMs).slice(-LINES);
  return {
    state,
    lines: lines.map(({ startMs, ...line }) => line),
    partial: partial && { text: partial.text, speaker: partial.speaker },
    warning: warning?.code,
    minutesLeft: credits?.minutesLeft,
    endsInSeconds: credits?.endsInSeconds,
    creditsPerMinute: lease?.creditsPerMinute,
    ended: endNameOf(view),
  };
}

/** The stored view. */
export async function loadView() {
  const stored = (await chrome.storage.session.get(VIEW_KEY))[VIEW_KEY];
  return stored ?? EMPTY_VIEW;
}

/** Stores the view. Only the worker calls it. */
export async function storeView(view) {
  await chrome.storage.session.set({ [VIEW_KEY]: view });
}

/** Calls `listener` with the view after each change. Returns what ends the calls. */
export function watchView(listener) {
  const notify = (changes) => {
    if (changes[VIEW_KEY]) listener(changes[VIEW_KEY].newValue ?? EMPTY_VIEW);
  };
  chrome.storage.session.onChanged.addListener(notify);
  return () => chrome.storage.session.onChanged.removeListener(notify);
}
