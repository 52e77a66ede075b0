/** The account in the settings, and the page of a blocked one. */
import { isActive } from "../../common/live_view.js";
import { text } from "../../common/i18n.js";
import { h } from "../elements.js";
import { busyButton } from "../forms.js";
import { confirm, emptyState } from "../notices.js";

export function accountSection(app) {
  const problem = h("div", { class: "form-problem" });
  return h(
    "section",
    { class: "card" },
    h("h2", { class: "card-title" }, text("settings_account")),
    h("p", { class: "account-email", dir: "ltr" }, app.user.email),
    problem,
    busyButton(app, text("action_sign_out"), () => signOut(app), { problem }),
  );
}

/** Asks first: it stops captions that run, and ends the sign-in of every device that the API knows. */
async function signOut(app) {
  const body = text(isActive(app.live.state) ? "sign_out_body_live" : "sign_out_body");
  if (!(await confirm({ title: text("sign_out_title"), body, yes: text("action_sign_out") }))) return;
  await leave(app);
}

/** Signs out; the page of the sign-in tells the outcome. */
async function leave(app) {
  app.memory.signOut = app.client.auth.logout();
  await app.memory.signOut;
}

export function blockedView(app) {
  const signOutButton = busyButton(app, text("action_sign_out"), () => leave(app), {});
  const again = busyButton(app, text("action_retry"), () => checkAgain(app), { kind: "primary" });
  const element = emptyState("lock", text("blocked_title"), text("blocked_body"), again, signOutButton);
  element.append(h("p", { class: "small", dir: "ltr" }, app.user?.email ?? ""));
  return { title: text("blocked_heading"), element };
}

async function checkAgain(app) {
  await app.client.credits.balance();
  app.isBlocked = false;
  app.go(app.home);
}

