/** The offscreen document: there is one while something is recorded, and none otherwise. */
import { send } from "../common/messages.js";

const PATH = "offscreen/offscreen.html";
const ANSWERS_WITHIN_MS = 10_000;
const ASK_AGAIN_MS = 50;

/** Runs work that starts or closes the document: one at a time, also across two lives of the worker. */
export function exclusively(work) {
  return navigator.locks.request("live-transcription/recorder", work);
}

export async function hasRecorder() {
  const contexts = await chrome.runtime.getContexts({ contextTypes: ["OFFSCREEN_DOCUMENT"] });
  return contexts.length > 0;
}

/** Creates the document unless it is there, and waits until it answers. Call it within `exclusively`. */
export async function openRecorder() {
  if (!(await hasRecorder())) {
    const justification = "Records the sound of the tab that the user chose, to caption it.";
    await chrome.offscreen.createDocument({ url: PATH, reasons: ["USER_MEDIA"], justification }).catch(async (error) => {
      if (!(await hasRecorder())) throw error; // a worker that was killed had asked for it
    });
  }
  const deadline = performance.now() + ANSWERS_WITHIN_MS;
  for (;;) {
    try {
      return await send("RECORDER_STATUS");
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
}

/** Whether a recording runs. */
export async function isRecording() {
  if (!(await hasRecorder())) return false;
  return (await send("RECORDER_STATUS").catch(() => ({ isBusy: false }))).isBusy;
}

/** Closes the document where nothing is recorded in it. Call it within `exclusively`. */
export async function closeIdleRecorder() {
  if ((await hasRecorder()) && !(await isRecording())) await chrome.offscreen.closeDocument().catch(() => undefined);
}
