/** Asking for another mailed code, after a waiting time that is shown. */
import { locale, text } from "../../common/i18n.js";
import { fill, h } from "../elements.js";
import { duration, isolate } from "../format.js";
import { errorBox } from "../notices.js";
import { loadPending, secondsToResend, storePending } from "../pending.js";

/** `kind`: `sign-up` or `reset`; `send(email)` asks the API for the code. */
export function resendControl(app, { kind, pending, send }) {
  const signal = app.signal();
  const result = h("div", { class: "resend-result" });
  const control = h("button", { type: "button", class: "link" });
  let current = pending;

  const draw = () => {
    const seconds = secondsToResend(current, Date.now());
    control.toggleAttribute("disabled", seconds > 0);
    control.textContent = seconds > 0 ? text("code_resend_wait", duration(seconds, locale())) : text("code_resend");
  };
  control.addEventListener("click", async () => {
    control.setAttribute("disabled", "");
    try {
      await send(current.email);
      await storePending(kind, current.email);
      fill(result, h("p", { class: "small", role: "status" }, text("code_sent_again", isolate(current.email))));
    } catch (error) {
      app.noticeError(error);
      await storePending(kind, current.email, { waitSeconds: error.retryAfterSeconds });
      fill(result, errorBox(app, error));
    }
    current = (await loadPending(kind)) ?? current;
    draw();
  });
  const timer = setInterval(draw, 1000);
  signal.addEventListener("abort", () => clearInterval(timer));
  draw();
  return h("div", { class: "resend" }, control, result);
}
