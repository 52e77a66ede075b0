/** The pages that panel and popup share: signing in, the consent before the first recording, a blocked account. */
import { blockedView } from "./views/account.js";
import { consentView } from "./views/consent.js";
import { confirmView } from "./views/confirm.js";
import { forgotView, resetView } from "./views/reset.js";
import { signInView } from "./views/sign_in.js";
import { signUpView } from "./views/sign_up.js";

export const accountRoutes = [
  { path: "/sign-in", access: "guest", view: signInView },
  { path: "/sign-up", access: "guest", view: signUpView },
  { path: "/confirm", access: "guest", view: confirmView },
  { path: "/forgot", access: "guest", view: forgotView },
  { path: "/reset", access: "guest", view: resetView },
  { path: "/consent", access: "any", view: consentView },
  { path: "/blocked", access: "member", view: blockedView },
];
