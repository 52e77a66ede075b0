/** Fields with labels, hints and errors, and forms that wait for an answer. */
import { text } from "../common/i18n.js";
import { fill, h, icon, newId } from "./elements.js";
import { explain, isAborted } from "./errors.js";
import { errorBox, sentence } from "./notices.js";

/** A labelled input. `element` is what to show; `value()`, `showError(text)` and `focus()` work on it. */
export function field({ label, hint, name, control, end, ...attributes }) {
  const id = newId("field");
  const input = control ?? h("input", { name, ...attributes });
  input.id = id;
  const errorElement = h("p", { class: "field-error", id: `${id}-error` });
  const describedBy = [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(" ");
  input.setAttribute("aria-describedby", describedBy);
  const showError = (message) => {
    errorElement.textContent = message;
    input.toggleAttribute("aria-invalid", false);
    if (message) input.setAttribute("aria-invalid", "true");
  };
  input.addEventListener("input", () => showError(""));
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    h("div", { class: "field-control" }, input, end),
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
    errorElement,
  );
  return { element, input, name: name ?? input.name, value: () => input.value, showError, focus: () => input.focus() };
}

export function emailField(value = "") {
  return field({
    label: text("field_email"),
    name: "email",
    type: "email",
    autocomplete: "username",
    spellcheck: "false",
    dir: "ltr",
    required: true,
    value,
  });
}

/** A password that can be shown. `isNew`: one that the person chooses now. */
export function passwordField({ label = text("field_password"), isNew = false } = {}) {
  const toggle = h("button", { type: "button", class: "reveal", "aria-pressed": "false" }, text("action_show"));
  const password = field({
    label,
    hint: isNew && text("hint_password"),
    name: "password",
    type: "password",
    autocomplete: isNew ? "new-password" : "current-password",
    dir: "ltr",
    required: true,
    minlength: isNew ? 10 : undefined,
    end: toggle,
  });
  toggle.setAttribute("aria-label", text("action_show_password"));
  toggle.addEventListener("click", () => {
    const isShown = password.input.type === "password";
    password.input.type = isShown ? "text" : "password";
    toggle.setAttribute("aria-pressed", String(isShown));
    fill(toggle, isShown ? text("action_hide") : text("action_show"));
  });
  return password;
}

export function codeField() {
  return field({
    label: text("field_code"),
    name: "code",
    inputmode: "numeric",
    autocomplete: "one-time-code",
    class: "code",
    dir: "ltr",
    maxlength: 12,
    required: true,
  });
}

/** A switch with its label. */
export function toggle({ label, hint, checked, onchange }) {
  const id = newId("toggle");
  const input = h("input", { type: "checkbox", role: "switch", id, checked, "aria-describedby": hint && `${id}-hint` });
  input.addEventListener("change", () => onchange?.(input.checked));
  const element = h(
    "div",
    { class: "toggle" },
    h("label", { for: id }, label),
    input,
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
  );
  return { element, input };
}

/** A choice of a few, as radio buttons in a row. `options`: `[value, label]`. */
export function choice({ label, name, options, value, onchange }) {
  const group = newId(name);
  return h(
    "fieldset",
    { class: "choice" },
    h("legend", {}, label),
    h(
      "div",
      { class: "choices" },
      options.map(([option, optionLabel]) => {
        const id = newId("option");
        const input = h("input", { type: "radio", name: group, id, value: option, checked: option === value });
        input.addEventListener("change", () => onchange(option));
        return h("span", {}, input, h("label", { for: id }, optionLabel));
      }),
    ),
  );
}

/**
 * A form. `submit(values)` runs once at a time, with the button busy; an error is shown at its field, or above the button.
 * `onError(error)` may take an error: it returns what to show instead, or nothing.
 */
export function form(app, { fields, submitLabel, submit, onError }) {
  const problem = h("div", { class: "form-problem" });
  const send = h("button", { type: "submit", class: "primary wide" }, submitLabel);
  const element = h("form", { novalidate: true }, fields.map((each) => each.element), problem, send);
  let isBusy = false;
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy || !isComplete(fields)) return;
    isBusy = true;
    send.setAttribute("aria-disabled", "true");
    element.setAttribute("aria-busy", "true");
    fill(problem);
    try {
      await submit(Object.fromEntries(fields.map((each) => [each.name, each.value()])));
    } catch (error) {
      if (!isAborted(error)) showProblem(app, { error, fields, problem, onError });
    } finally {
      isBusy = false;
      send.removeAttribute("aria-disabled");
      element.removeAttribute("aria-busy");
    }
  });
  return element;
}

/** The browser's own checks, told in the field and in our language. */
function isComplete(fields) {
  const wrong = fields.filter(({ input, showError }) => {
    const { validity } = input;
    if (validity.valid) return false;
    if (validity.valueMissing) showError(text("field_missing"));
    else if (validity.tooShort) showError(text("hint_password"));
    else if (validity.typeMismatch && input.type === "email") showError(text("field_email_invalid"));
    else showError(text("field_invalid"));
    return true;
  });
  wrong[0]?.focus();
  return wrong.length === 0;
}

const FIELD_TEXTS = { email: "field_email_invalid", password: "field_password_invalid", code: "field_code_invalid" };

function showProblem(app, { error, fields, problem, onError }) {
  app.noticeError(error);
  const shown = onError?.(error);
  if (shown) return void fill(problem, shown);
  const explained = explain(error, { isOnline: navigator.onLine });
  const wrong = fields.find(({ name }) => name === explained.field);
  if (!wrong) return void fill(problem, errorBox(app, error));
  const name = FIELD_TEXTS[explained.field];
  wrong.showError(name ? text(name) : sentence(explained));
  wrong.focus();
}

/** A button that does something once at a time and shows that it is busy. Errors go to `problem`. `control`: see refill. */
export function busyButton(app, label, work, { problem, kind = "", icon: name, control, retry = false } = {}) {
  const element = h("button", { type: "button", class: kind, "data-control": control }, name && icon(name), h("span", {}, label));
  const run = async () => {
    if (element.getAttribute("aria-disabled")) return;
    element.setAttribute("aria-disabled", "true");
    element.classList.add("busy");
    if (problem) fill(problem);
    try {
      await work();
    } catch (error) {
      app.noticeError(error);
      if (problem) fill(problem, errorBox(app, error, retry ? { retry: run } : {}));
    } finally {
      element.removeAttribute("aria-disabled");
      element.classList.remove("busy");
    }
  };
  element.addEventListener("click", run);
  return element;
}

