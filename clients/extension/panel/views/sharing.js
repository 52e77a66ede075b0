/** Sharing a transcript: a page at a secret address, which is shown once, and ended at any time. */
import { locale, text } from "../../common/i18n.js";
import { button, fill, h, icon } from "../elements.js";
import { dateTime, isolate } from "../format.js";
import { confirm, errorBox, noticeBox } from "../notices.js";

export function sharePart(app, transcript) {
  const problem = h("div", { class: "form-problem" });
  const place = h("div", { class: "share" });
  show(transcript.shared_at);
  return h("section", { class: "export" }, h("h2", { class: "section-title" }, icon("people"), text("share_title")), place, problem);

  /** `url`: known only just after it was made. */
  function show(sharedAt, url) {
    const make = button(text(sharedAt ? "share_again" : "share_make"), () => void share(Boolean(sharedAt)));
    const end = sharedAt && button(text("share_end"), () => void endShare(), { kind: "danger quiet-danger" });
    fill(
      place,
      h("p", { class: "small" }, sharedAt ? text("share_since", isolate(dateTime(sharedAt, locale()))) : text("share_none")),
      url && addressField(url),
      h("div", { class: "actions" }, make, end),
    );
  }

  async function share(isShared) {
    const isAgreed = await confirm({
      title: text("share_confirm_title"),
      body: text(isShared ? "share_confirm_again" : "share_confirm"),
      yes: text("share_make"),
    });
    if (!isAgreed) return;
    await run(async () => {
      const { url, shared_at } = await app.client.history.share(transcript.id);
      show(shared_at, url);
      place.querySelector("input").focus();
      place.querySelector("input").select();
      app.announce(text("share_made"));
    });
  }

  function endShare() {
    return run(async () => {
      await app.client.history.endShare(transcript.id);
      show(undefined);
      place.querySelector("button").focus();
      app.announce(text("share_ended"));
    });
  }

  async function run(work) {
    fill(problem);
    try {
      await work();
    } catch (error) {
      app.noticeError(error);
      fill(problem, errorBox(app, error));
    }
  }

  function addressField(url) {
    const input = h("input", { value: url, readonly: true, "aria-label": text("share_address"), dir: "ltr" });
    const copied = h("div", {});
    const copy = button(text("share_copy"), async () => {
      input.select();
      const isCopied = await navigator.clipboard.writeText(url).then(() => true, () => false);
      fill(copied, noticeBox(isCopied ? "success" : "warning", text(isCopied ? "share_copied" : "share_copy_failed")));
    });
    return [h("div", { class: "row" }, input, copy), copied, h("p", { class: "small" }, text("share_once"))];
  }
}
