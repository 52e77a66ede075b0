/** Signing in. */
import { text } from "../../common/i18n.js";
import { fill, h } from "../elements.js";
import { emailField, form, passwordField } from "../forms.js";
import { noticeBox } from "../notices.js";
import { storePending } from "../pending.js";
import { guestPage } from "./guest_page.js";

export function signInView(app, { email = "" }) {
  const emailInput = emailField(email);
  const password = passwordField();
  (email ? password : emailInput).input.setAttribute("data-focus", "");

  const submit = async (values) => {
    app.memory.email = values.email;
    await app.client.auth.login(values);
  };
  const onError = (error) => {
    if (error.code !== "email_unverified") return;
    app.memory.password = password.value();
    // No code was sent now, so another one may be asked for at once.
    void storePending("sign-up", emailInput.value(), { waitSeconds: 0 }).then(() => app.go("/confirm"));
    return noticeBox("info", text("error_email_unverified"));
  };
  const links = h(
    "div",
    { class: "links" },
    h("a", { href: "#/forgot" }, text("sign_in_forgot")),
    h("a", { href: "#/sign-up" }, text("sign_in_to_sign_up")),
  );
  return guestPage({
    title: text("sign_in_title"),
    lead: text("sign_in_lead"),
    content: [signedOutNotice(app), form(app, { fields: [emailInput, password], submitLabel: text("action_sign_in"), submit, onError }), links],
  });
}

/** Why the person has to sign in again, told once. */
function signedOutNotice(app) {
  const { signedOut: reason, notice, signOut } = app.memory;
  Object.assign(app.memory, { signedOut: undefined, notice: undefined, signOut: undefined });
  if (!notice && reason === undefined) return undefined;
  if (!notice && reason !== "logout") return noticeBox("info", text("error_signed_out"));
  const element = h("div", { class: "live-notices" }, noticeBox("success", notice ?? text("signed_out_done")));
  void signOut?.then((isWhole) => isWhole || fill(element, notice && noticeBox("success", notice), noticeBox("info", text("signed_out_here"))));
  return element;
}
