/** Opening an account. The code step is a page of its own, which outlives the popup. */
import { text } from "../../common/i18n.js";
import { button, h } from "../elements.js";
import { emailField, form, passwordField } from "../forms.js";
import { noticeBox } from "../notices.js";
import { storePending } from "../pending.js";
import { guestPage } from "./guest_page.js";

export function signUpView(app, { email = "" }) {
  const emailInput = emailField(email);
  const password = passwordField({ isNew: true });
  emailInput.input.setAttribute("data-focus", "");

  const submit = async (values) => {
    app.memory.welcome = true; // before the tokens are stored, which opens the first page
    const registered = await app.client.auth.register(values).catch((error) => {
      app.memory.welcome = false;
      throw error;
    });
    if (!registered.confirmation_required) return;
    app.memory.password = values.password;
    await storePending("sign-up", values.email);
    app.go("/confirm");
  };
  const onError = (error) => {
    if (error.code !== "email_taken") return undefined;
    const toSignIn = button(text("action_sign_in"), () => app.go("/sign-in", { email: emailInput.value() }));
    return noticeBox("error", text("error_address_has_account"), toSignIn);
  };
  return guestPage({
    title: text("sign_up_title"),
    lead: text("sign_up_lead"),
    content: [
      form(app, { fields: [emailInput, password], submitLabel: text("action_sign_up"), submit, onError }),
      h("div", { class: "links" }, h("a", { href: "#/sign-in" }, text("sign_up_to_sign_in"))),
    ],
  });
}
