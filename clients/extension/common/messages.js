/**
 * Every message between the contexts of the extension, declared once.
 *
 * `to` names the context that answers. Only messages with `fromPage` are taken from a content script: the page it runs in
 * may be hostile, and may have taken over its process.
 */
export const MESSAGES = {
  // From popup and panel to the worker. All answer {}.
  START: { to: "worker" }, // { tabId, microphone: boolean }
  PAUSE: { to: "worker" },
  RESUME: { to: "worker" },
  STOP: { to: "worker" },
  RESUME_SESSION: { to: "worker" }, // { sessionId, tabId, microphone?: boolean }
  STOP_SESSION: { to: "worker" }, // { sessionId }: an interrupted session is not to go on
  WAKE: { to: "worker" }, // a page was opened: unsaved words are saved, and an interrupted session is looked for
  SHOW_CAPTIONS: { to: "worker" }, // { isVisible: boolean }: the overlay in the captured tab

  // From the offscreen document to the worker.
  LIVE_EVENTS: { to: "worker" }, // { recordingId, events: [{ number, event, data }] }, each event until it is answered
  RECORDER_DONE: { to: "worker" }, // nothing is left to do: the worker may close the offscreen document

  // From the worker to the offscreen document.
  RECORDER_START: { to: "recorder" }, // { recordingId, streamId, microphone, apiUrl, options, sessionId? } → { isStopped? }
  RECORDER_PAUSE: { to: "recorder" },
  RECORDER_RESUME: { to: "recorder" },
  RECORDER_STOP: { to: "recorder" },
  RECORDER_STATUS: { to: "recorder" }, // → { isBusy }

  // Between the worker and the overlay of a tab.
  OVERLAY_VIEW: { to: "overlay" }, // { view }: draws it; see overlayView in live_view.js
  OVERLAY_REMOVE: { to: "overlay" },
  OVERLAY_READY: { to: "worker", fromPage: true }, // → { view, captionPosition, captionSize }, or {} without a session
  OVERLAY_CHANGED: { to: "worker", fromPage: true }, // { captionPosition?, captionSize?, isVisible? } by the user
};

/** The port by which an offscreen document that records keeps the worker awake, and tells it when it is gone. */
export const RECORDER_PORT = "recorder";

/** An error that another context answered. `details` and `reason` are those of the API, if it was one of its errors. */
export class MessageError extends Error {
  constructor({ code, message, reason, details, retryAfterSeconds }) {
    super(message);
    this.name = "MessageError";
    this.code = code;
    if (reason !== undefined) this.reason = reason;
    if (details !== undefined) this.details = details;
    if (retryAfterSeconds !== undefined) this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Sends a message and returns the answer. Throws MessageError; its code is `no_answer` where no context answered. */
export async function send(type, body = {}) {
  let answer;
  try {
    answer = await chrome.runtime.sendMessage({ type, ...body });
  } catch (error) {
    throw new MessageError({ code: "no_answer", message: String(error?.message ?? error) });
  }
  if (answer === undefined) throw new MessageError({ code: "no_answer", message: `No context answered ${type}.` });
  if (answer.error) throw new MessageError(answer.error);
  return answer.value;
}

/**
 * Answers the messages to one context: `handlers` has a function `(message, sender)` for each of its types.
 * Call it before anything is awaited, so that it also answers the message that woke the worker.
 */
export function answerMessages(context, handlers) {
  chrome.runtime.onMessage.addListener((message, sender, respond) => {
    const declared = Object.hasOwn(MESSAGES, message?.type) ? MESSAGES[message.type] : undefined;
    const handler = declared?.to === context ? handlers[message.type] : undefined;
    if (!handler || !(declared.fromPage || isOwnPage(sender))) return undefined;
    Promise.resolve()
      .then(() => handler(message, sender))
      .then((value) => respond({ value: value ?? {} }))
      .catch((error) => respond({ error: describeError(error) }));
    return true; // the answer follows later
  });
}

/** Whether a page or the worker of this extension sent a message, and no content script. */
export function isOwnPage(sender) {
  const origin = `chrome-extension://${chrome.runtime.id}`;
  if (sender?.id !== chrome.runtime.id) return false;
  // A message of the worker names no origin. Where there is one it decides: a frame may carry one of our own addresses.
  return sender.origin === undefined ? sender.url?.startsWith(`${origin}/`) === true : sender.origin === origin;
}

/** An error as it travels: errors of the API keep their code, those of the SDK and the browser get one by their name. */
export function describeError(error) {
  const code = typeof error?.code === "string" ? error.code : (CODES[error?.name] ?? "failed");
  const described = { code, message: String(error?.message ?? error) };
  if (typeof error?.reason === "string") described.reason = error.reason;
  if (error?.details && typeof error.details === "object") described.details = error.details;
  if (typeof error?.retryAfterSeconds === "number") described.retryAfterSeconds = error.retryAfterSeconds;
  return described;
}

/** The last four are what getUserMedia throws. Source: developer.mozilla.org/docs/Web/API/MediaDevices/getUserMedia */
const CODES = {
  NetworkError: "network",
  SessionInUseError: "session_in_use",
  NotAllowedError: "capture_failed",
  NotFoundError: "capture_failed",
  NotReadableError: "capture_failed",
  AbortError: "capture_failed",
};
