/** A forgotten password: the address, then the mailed code with a new password, which also signs in. */
import { text } from "../../common/i18n.js";
import { h } from "../elements.js";
import { isolate } from "../format.js";
import { codeField, emailField, form, passwordField } from "../forms.js";
import { clearPending, loadPending, storePending } from "../pending.js";
import { resendControl } from "./code_step.js";
import { guestPage } from "./guest_page.js";

export async function forgotView(app) {
  const pending = await loadPending("reset");
  const email = emailField(app.memory.email ?? pending?.email ?? "");
  email.input.setAttribute("data-focus", "");
  const submit = async (values) => {
    await app.client.auth.forgotPassword(values.email);
    await storePending("reset", values.email);
    app.go("/reset");
  };
  return guestPage({
    title: text("forgot_title"),
    lead: text("forgot_lead"),
    back: "/sign-in",
    content: [
      form(app, { fields: [email], submitLabel: text("action_send_code"), submit }),
      pending && h("div", { class: "links" }, h("a", { href: "#/reset" }, text("forgot_have_code"))),
    ],
  });
}

export async function resetView(app) {
  const pending = await loadPending("reset");
  if (!pending) {
    app.go("/forgot");
    return guestPage({ title: text("reset_title"), lead: "", content: [] });
  }
  const { email } = pending;
  const code = codeField();
  const password = passwordField({ isNew: true, label: text("field_new_password") });
  code.input.setAttribute("data-focus", "");
  const submit = async (values) => {
    await app.client.auth.resetPassword({ email, code: values.code.trim(), password: values.password });
    await clearPending("reset");
    await clearPending("sign-up");
    app.memory.email = email;
    await app.client.auth.login({ email, password: values.password });
  };
  return guestPage({
    title: text("reset_title"),
    lead: text("reset_lead", isolate(email)),
    back: "/forgot",
    content: [
      form(app, { fields: [code, password], submitLabel: text("action_set_password"), submit }),
      resendControl(app, { kind: "reset", pending, send: (address) => app.client.auth.forgotPassword(address) }),
    ],
  });
}
