/** The mailed code of a sign-up. Where the page was closed meanwhile, the password is asked for again. */
import { text } from "../../common/i18n.js";
import { button, h } from "../elements.js";
import { isolate } from "../format.js";
import { codeField, form, passwordField } from "../forms.js";
import { clearPending, loadPending } from "../pending.js";
import { resendControl } from "./code_step.js";
import { guestPage } from "./guest_page.js";

export async function confirmView(app) {
  const pending = await loadPending("sign-up");
  if (!pending) {
    app.go("/sign-in");
    return guestPage({ title: text("confirm_title"), lead: "", content: [] });
  }
  const { email } = pending;
  const code = codeField();
  const kept = app.memory.password;
  const password = kept === undefined ? passwordField({ label: text("confirm_password") }) : undefined;
  code.input.setAttribute("data-focus", "");

  const submit = async (values) => {
    await app.client.auth.confirm({ email, code: values.code.trim(), password: values.password ?? kept });
    app.memory.password = undefined;
    app.memory.welcome = true;
    await clearPending("sign-up");
  };
  const onError = (error) => {
    // The kept password is refused, or the address was confirmed meanwhile with another one.
    if (kept !== undefined && (error.details?.field === "password" || error.code === "invalid_credentials")) {
      app.memory.password = undefined;
      void app.show();
    }
    return undefined;
  };
  const startOver = async () => {
    app.memory.password = undefined;
    await clearPending("sign-up");
    app.go("/sign-up", { email });
  };
  return guestPage({
    title: text("confirm_title"),
    lead: text("confirm_lead", isolate(email)),
    content: [
      password && h("p", { class: "small" }, text("confirm_password_why")),
      form(app, { fields: [code, password].filter(Boolean), submitLabel: text("action_confirm"), submit, onError }),
      resendControl(app, { kind: "sign-up", pending, send: (address) => app.client.auth.resendCode(address) }),
      h("div", { class: "links" }, button(text("confirm_other_address"), startOver, { kind: "link" })),
    ],
  });
}
