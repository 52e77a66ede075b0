/** Language, key terms, captions, the address of the API, and the account. */
import { CAPTION_SIZES } from "../../common/caption_sizes.js";
import { changeApiUrl, checkService } from "../../common/client.js";
import { locale, text } from "../../common/i18n.js";
import { LANGUAGES } from "../../common/languages.js";
import { normalizeApiUrl, saveSettings } from "../../common/settings.js";
import { fill, h, icon } from "../elements.js";
import { busyButton, choice, field, toggle } from "../forms.js";
import { languageName } from "../format.js";
import { keyTermsOf, MAX_KEY_TERM_CHARACTERS, MAX_KEY_TERMS } from "../key_terms.js";
import { confirm, errorBox, noticeBox } from "../notices.js";
import { accountSection } from "./account.js";

export function settingsView(app) {
  const problem = h("div", { class: "form-problem" });
  /** Stores a setting and says so, because there is no button for it. */
  const store = async (changes) => {
    try {
      await saveSettings(changes);
      fill(problem);
      app.announce(text("settings_saved"));
    } catch (error) {
      fill(problem, errorBox(app, error, { retry: () => void store(changes) }));
      problem.scrollIntoView({ block: "center" });
    }
  };
  const sections = [speechSection(app, store), problem, captionsSection(app, store), serverSection(app), app.user && accountSection(app)];
  const element = h("div", { class: "settings" }, sections);
  return { title: text("settings_title"), element, back: app.user ? undefined : "/sign-in" };
}

function section(title, ...children) {
  return h("section", { class: "card" }, h("h2", { class: "card-title" }, title), ...children);
}

function speechSection(app, store) {
  const { language, keyTerms } = app.settings;
  const names = LANGUAGES.map((code) => [code, languageName(code, locale())]).sort(([, one], [, other]) => one.localeCompare(other, locale()));
  const options = [["", text("language_automatic")], ...names].map(([code, name]) => h("option", { value: code, selected: code === language }, name));
  const select = h("select", { name: "language", onchange: () => void store({ language: select.value }) }, options);
  const area = h("textarea", { name: "key-terms", rows: "3", dir: "auto", spellcheck: "false", value: keyTerms.join("\n") });
  const terms = field({ label: text("settings_key_terms"), hint: text("settings_key_terms_hint"), name: "key-terms", control: area });
  area.addEventListener("change", () => {
    const { terms: found, dropped } = keyTermsOf(area.value);
    terms.showError(dropped > 0 ? text("settings_key_terms_dropped", MAX_KEY_TERMS, MAX_KEY_TERM_CHARACTERS) : "");
    void store({ keyTerms: found });
  });
  return section(
    text("settings_speech"),
    field({ label: text("settings_language"), hint: text("settings_language_hint"), name: "language", control: select }).element,
    terms.element,
  );
}

function captionsSection(app, store) {
  const sizes = CAPTION_SIZES.map((size) => [size, text(`size_${size}`)]);
  const { captionSize, announceCaptions = false } = app.settings;
  return section(
    text("settings_captions"),
    choice({ label: text("settings_size"), name: "size", options: sizes, value: captionSize, onchange: (size) => void store({ captionSize: size }) }),
    toggle({
      label: text("settings_announce"),
      hint: text("settings_announce_hint"),
      checked: announceCaptions,
      onchange: (isOn) => void store({ announceCaptions: isOn }),
    }).element,
    h("a", { href: "#/consent", class: "row-link" }, icon("shield"), h("span", { class: "row-text" }, text("settings_consent")), icon("forward")),
  );
}

function serverSection(app) {
  const address = field({
    label: text("settings_api"),
    hint: text("settings_api_hint"),
    name: "api",
    type: "url",
    dir: "ltr",
    spellcheck: "false",
    value: app.settings.apiUrl,
  });
  const result = h("div", { class: "form-problem" });
  const check = async () => {
    const url = normalizeApiUrl(address.value());
    if (url === undefined) {
      address.showError(text("settings_api_invalid"));
      return address.focus();
    }
    const stage = await checkService(url);
    const leaves = app.user !== undefined && url !== app.settings.apiUrl;
    if (leaves && !(await mayLeave())) return undefined;
    const done = text("settings_api_ok", stage);
    if (leaves) app.memory.notice = done; // the sign-in ends, and its page says it
    await changeApiUrl(url, (signOut) => (app.memory.signOut = signOut));
    address.input.value = url;
    return leaves ? undefined : fill(result, noticeBox("success", done));
  };
  return section(text("settings_server"), address.element, result, busyButton(app, text("settings_api_check"), check, { problem: result }));
}

/** Another address needs another sign-in. */
function mayLeave() {
  return confirm({ title: text("settings_api_change_title"), body: text("settings_api_change_body"), yes: text("settings_api_change") });
}

