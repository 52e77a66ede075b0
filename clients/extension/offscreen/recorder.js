/** The offscreen document: one live session and one capture. It reports every event to the worker. */
import { answerMessages, MessageError } from "../common/messages.js";
import { Recording } from "./recording.js";

/** The recording in hand. */
let recording;

answerMessages("recorder", {
  RECORDER_STATUS: () => ({ isBusy: recording !== undefined }),
  RECORDER_START: startRecording,
  RECORDER_PAUSE: () => running().pause(),
  RECORDER_RESUME: () => running().resume(),
  RECORDER_STOP: () => running().stop(),
});

function running() {
  if (!recording) throw new MessageError({ code: "no_session", message: "No captions run." });
  return recording;
}

async function startRecording(message) {
  if (recording) throw new MessageError({ code: "session_running", message: "Captions run already. Stop them first." });
  const started = new Recording(message, () => {
    if (recording === started) recording = undefined;
  });
  recording = started;
  return started.start();
}
