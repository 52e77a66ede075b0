/** In a tab of its own: lets the browser ask whether the extension may use the microphone. */
import { text } from "../../common/i18n.js";
import { fill, h, icon } from "../elements.js";
import { busyButton } from "../forms.js";
import { emptyState, noticeBox } from "../notices.js";
import { isMicrophoneAllowed } from "../microphone.js";

export async function microphoneView(app) {
  const problem = h("div", { class: "form-problem" });
  const element = h("div", { class: "microphone-page" });
  const done = () => fill(element, emptyState("check", text("microphone_done_title"), text("microphone_done")));
  const allow = async () => {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      for (const track of stream.getTracks()) track.stop();
      done();
    } catch (error) {
      const name = error.name === "NotFoundError" ? "error_microphone_missing" : "microphone_refused";
      fill(problem, noticeBox("error", text(name)));
    }
  };
  const request = busyButton(app, text("action_allow_microphone"), allow, { kind: "primary", problem });
  if (await isMicrophoneAllowed()) done();
  else fill(element, h("div", { class: "empty" }, icon("microphone"), h("p", {}, text("microphone_lead")), request, problem));
  return { title: text("microphone_title"), element };
}
