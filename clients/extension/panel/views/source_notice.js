/** What changed about the sound while captions run. */
import { text } from "../../common/i18n.js";
import { fill, h } from "../elements.js";
import { noticeBox } from "../notices.js";

/** A place that says, and reads aloud, that the microphone was unplugged. `update(view)` draws it when that changes. */
export function sourceNotice() {
  const element = h("div", { class: "live-notices" });
  let isGone = false;
  const update = ({ isMicrophoneGone = false }) => {
    if (isMicrophoneGone === isGone) return; // the same again would be read aloud again
    isGone = isMicrophoneGone;
    fill(element, isGone && noticeBox("warning", text("live_microphone_gone")));
  };
  return { element, update };
}
