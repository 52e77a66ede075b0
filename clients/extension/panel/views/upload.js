/** A catch-up of a recording: the file is uploaded, then its price, then its summary. */
import { locale, text } from "../../common/i18n.js";
import { button, fill, h, icon, newId } from "../elements.js";
import { isAborted } from "../errors.js";
import { megabytes } from "../format.js";
import { errorBox, loadInto } from "../notices.js";
import { catchUpRunner } from "./catch_up_job.js";

export function uploadView(app) {
  const pageSignal = app.signal();
  const place = h("div", { class: "offer" });
  const runner = catchUpRunner(app, { place });
  const id = newId("file");
  const input = h("input", { type: "file", id, accept: "audio/*,video/*", class: "visually-hidden" });
  const zone = h("label", { for: id, class: "drop" }, icon("upload"), h("strong", {}, text("upload_choose")), h("span", { class: "small" }, text("upload_drop")));
  input.addEventListener("change", () => input.files[0] && void start(input.files[0]));
  for (const name of ["dragover", "dragenter"]) zone.addEventListener(name, (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) void start(file);
  });
  const chooser = h("div", { class: "chooser" }, input, zone);
  const element = h("div", { class: "catch-up" }, h("p", { class: "lead" }, text("upload_lead")), chooser, place);
  return { title: text("upload_title"), element, back: "/history" };

  async function start(file) {
    const controller = new AbortController();
    pageSignal.addEventListener("abort", () => controller.abort());
    const bar = h("progress", { max: "1", value: 0, "aria-label": text("upload_progress") });
    const cancel = button(text("action_cancel"), () => controller.abort());
    const name = h("p", { class: "file-name", dir: "auto" }, file.name, " ", h("span", { class: "quiet" }, megabytes(file.size, locale())));
    chooser.hidden = true;
    fill(place, h("div", { class: "working" }, name, h("p", { role: "status" }, text("upload_running")), bar, cancel));
    cancel.focus();
    try {
      const uploadId = await app.client.upload(file, { signal: controller.signal, onProgress: (part) => (bar.value = part) });
      const { language } = app.settings;
      const body = { upload_id: uploadId, title: file.name.replace(/\.[^.]+$/, "").slice(0, 200), ...(language && { language }) };
      await loadInto(app, place, (signal) => app.client.quote(body, { signal }), (quote) => [name, h("p", { class: "small" }, text("upload_price_hint")), runner.offer(body, quote)]);
    } catch (error) {
      if (pageSignal.aborted) return;
      app.noticeError(error);
      chooser.hidden = false;
      fill(place, !isAborted(error) && errorBox(app, error, { retry: () => void start(file) }));
      input.value = "";
      input.focus();
    }
  }
}
