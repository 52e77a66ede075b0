/** One transcript: its words, its summaries, its gaps; renamed in place, saved as a file, deleted after a question. */
import { setCaptionSize } from "../../common/caption_sizes.js";
import { locale, text } from "../../common/i18n.js";
import { transcriptRows } from "../captions.js";
import { button, fill, h, icon, iconButton } from "../elements.js";
import { dateTime, duration, isolate, languageName } from "../format.js";
import { confirm, credits, emptyState, errorBox, loadInto } from "../notices.js";
import { placeOf } from "../routes.js";
import { summaryOf } from "./catch_up_job.js";
import { sharePart } from "./sharing.js";
import { titleOf } from "./history.js";
import { captionRow } from "./live_running.js";

const FORMATS = ["txt", "srt", "vtt", "json"];

export function transcriptView(app, { id, seq, words }) {
  const element = h("div", { class: "transcript" });
  const shown = loadInto(app, element, (signal) => app.client.history.get(id, { signal }), (detail) => contentOf(app, detail, seq));
  void shown.then(() => element.querySelector(".found")?.scrollIntoView({ block: "center" }));
  return { title: text("transcript_title"), element, back: placeOf("/history", { words }) };
}

/** `seq`: of the caption that a search found. */
function contentOf(app, detail, seq) {
  const { transcript, segments, summaries = [] } = detail;
  const here = `/history/${transcript.id}`;
  const problem = h("div", { class: "form-problem" });
  const rows = transcriptRows(detail);
  const link = (name, label, path, parameters) =>
    h("a", { class: "button quiet-button", href: `#${placeOf(path, { ...parameters, back: here })}` }, icon(name), h("span", {}, text(label)));
  const words =
    segments.length > 0
      ? setCaptionSize(h("ol", { class: "captions whole" }, rows.map((row) => captionRow(row, { isFound: String(row.seq) === seq }))), app.settings.captionSize)
      : emptyState("captions", text("transcript_empty_title"), text("transcript_empty"));
  return [
    heading(app, transcript, problem),
    h("p", { class: "row-facts" }, factsOf(transcript).map((fact) => h("span", {}, fact))),
    segments.length > 0 &&
      h(
        "div",
        { class: "live-links" },
        transcript.session_id && link("sparkle", "catch_up_title", "/catch-up", { session: transcript.session_id }),
        link("question", "ask_title", "/ask", { transcript: transcript.id }),
      ),
    problem,
    summaries.map((summary) => h("section", { class: "card" }, h("h2", { class: "card-title" }, text("catch_up_summary")), summaryOf(summary))),
    h("h2", { class: "section-title" }, text("transcript_words")),
    words,
    segments.length > 0 && exportPart(app, transcript.id),
    segments.length > 0 && sharePart(app, transcript),
    h("div", { class: "actions end" }, deleteButton(app, transcript, problem)),
  ];
}

function factsOf({ started_at, duration_ms, credits: used, language }) {
  const name = language && languageName(language, locale());
  const facts = [dateTime(started_at, locale()), duration(duration_ms / 1000, locale()), name, used > 0 && credits(used)];
  return facts.filter(Boolean);
}

/** The title, and a button that turns it into a field: Enter saves, Escape does not. */
function heading(app, transcript, problem) {
  const title = h("h2", { class: "transcript-title", dir: "auto" }, titleOf(transcript));
  const edit = iconButton("edit", text("transcript_rename"), () => start());
  const place = h("div", { class: "heading" }, title, edit);
  return place;

  function show() {
    title.textContent = titleOf(transcript);
    fill(place, title, edit);
    edit.focus();
  }

  function start() {
    const input = h("input", { value: transcript.title ?? "", maxlength: "200", "aria-label": text("transcript_name"), dir: "auto" });
    const save = h("button", { type: "submit", class: "primary" }, text("action_save"));
    const form = h("form", { class: "rename", novalidate: true }, input, save, button(text("action_cancel"), show));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") show();
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const value = input.value.trim();
      try {
        await app.client.history.rename(transcript.id, value);
        transcript.title = value || undefined;
        fill(problem);
        show();
        app.announce(text("transcript_renamed"));
      } catch (error) {
        app.noticeError(error);
        fill(problem, errorBox(app, error));
      }
    });
    fill(place, form);
    input.focus();
    input.select();
  }
}

function exportPart(app, id) {
  const problem = h("div", { class: "form-problem" });
  const save = async (format) => {
    fill(problem);
    try {
      const { name, content } = await app.client.history.exportFile(id, format);
      download(name, content);
      app.announce(text("transcript_saved", isolate(name)));
    } catch (error) {
      app.noticeError(error);
      fill(problem, errorBox(app, error, { retry: () => void save(format) }));
    }
  };
  const buttons = FORMATS.map((format) => button(text(`format_${format}`), () => void save(format)));
  return h("section", { class: "export" }, h("h2", { class: "section-title" }, icon("download"), text("transcript_export")), h("div", { class: "formats" }, buttons), problem);
}

function download(name, content) {
  const url = URL.createObjectURL(content);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function deleteButton(app, transcript, problem) {
  return button(
    text("transcript_delete"),
    async () => {
      const isAgreed = await confirm({
        title: text("transcript_delete_title"),
        body: text("transcript_delete_body", isolate(titleOf(transcript))),
        yes: text("action_delete"),
      });
      if (!isAgreed) return;
      try {
        await app.client.history.delete(transcript.id);
        app.announce(text("transcript_deleted"));
        app.go("/history");
      } catch (error) {
        app.noticeError(error);
        fill(problem, errorBox(app, error));
        problem.scrollIntoView({ block: "center" });
      }
    },
    { kind: "danger quiet-danger", icon: "trash" },
  );
}
