/** The frame of panel and popup: who is signed in, the live session, the balance, and the view that is shown. */
import { openClient } from "../common/client.js";
import { setLanguage, text } from "../common/i18n.js";
import { isActive, loadView, viewFor, watchView } from "../common/live_view.js";
import { send } from "../common/messages.js";
import { loadPrice, watchPrice } from "../common/price.js";
import { loadSettings, watchSettings } from "../common/settings.js";
import { watchSignIn } from "../common/sign_in.js";
import { fill, h } from "./elements.js";
import { isBlocked } from "./errors.js";
import { drawFrame } from "./frame.js";
import { loadPending } from "./pending.js";
import { findRoute, placeOf, redirect } from "./routes.js";

const BALANCE_POLL_SECONDS = 30;

/**
 * Starts a page. `routes`: `{ path, access: "guest" | "member" | "any", tab?, view }`, where `view(app, parameters)`
 * returns `{ title, element, back?, tab? }`. `home`: where who is signed in begins. `leave(place)`: opens a place that this page
 * does not have. `tabs`: see drawFrame.
 */
export async function startApp({ routes, home, leave, tabs }) {
  setLanguage();
  drawFrame({ tabs });
  const app = new App(routes, home, leave);
  await app.open();
  return app;
}

class App {
  client;
  settings;
  /** Who is signed in: `{ userId, email }`. */
  user;
  /** `{ available, held, … }` of the API; undefined until it is known. */
  balance;
  /** The price of the last lease; undefined before the first one. */
  creditsPerMinute;
  /** What must not be stored: the password between sign-up and code. */
  memory = {};
  isBlocked = false;

  #events = new EventTarget();
  /** The stored picture of the live session, whoever's it is. */
  #view;
  #leaving = new AbortController();
  #stopWatching = () => undefined;

  constructor(routes, home, leave) {
    Object.assign(this, { routes, home, leave });
  }

  async open() {
    this.settings = await loadSettings();
    this.#view = await loadView();
    this.creditsPerMinute = await loadPrice(this.settings.apiUrl);
    watchSettings((settings) => void this.#useSettings(settings));
    watchView((view) => this.#useLive(view));
    watchPrice(() => void this.#usePrice());
    watchSignIn((reason) => void this.#useSignIn(reason));
    for (const name of ["online", "offline"]) window.addEventListener(name, () => this.#showConnection());
    window.addEventListener("online", () => void send("WAKE").catch(() => undefined)); // what was not saved can be now
    document.addEventListener("visibilitychange", () => this.#watchBalance());
    window.addEventListener("hashchange", () => void this.show());
    this.client = await openClient();
    this.user = await this.client.auth.user();
    this.#watchBalance();
    this.#showConnection();
    this.#useLive(this.#view);
    await this.show();
  }

  /** The picture of the live session, as far as it is that of who is signed in. */
  get live() {
    return viewFor(this.user?.userId, this.#view);
  }

  // --- places ---------------------------------------------------------------------------------------------------------

  go(path, parameters) {
    const place = placeOf(path, parameters);
    if (location.hash === `#${place}`) void this.show();
    else location.hash = place;
  }

  /** Shows the view of the address. */
  async show() {
    const place = location.hash.slice(1) || this.home;
    const found = findRoute(this.routes, place);
    if (!found) return this.leave ? this.leave(place) : this.go(this.home);
    const hasPendingSignUp = (await loadPending("sign-up")) !== undefined;
    const other = redirect(found.route, { isSignedIn: this.user !== undefined, isBlocked: this.isBlocked, hasPendingSignUp, home: this.home });
    if (other !== undefined) return this.go(other);
    this.#leaving.abort();
    this.#leaving = new AbortController();
    const signal = this.#leaving.signal;
    const view = await found.route.view(this, found.parameters);
    if (!signal.aborted) this.#draw(found.route, view);
  }

  #draw(route, { title, element, back, tab = route.tab }) {
    const heading = document.getElementById("title");
    heading.textContent = title;
    document.title = route.isHome ? text("extension_name") : text("page_title", title, text("extension_name"));
    document.body.dataset.access = route.access;
    document.body.dataset.account = this.user ? "known" : "none";
    document.body.dataset.view = route.path.split("/")[1];
    const backLink = document.getElementById("back");
    if (backLink) {
      backLink.hidden = back === undefined;
      backLink.href = `#${back ?? ""}`;
    }
    for (const link of document.querySelectorAll("#tabs a")) {
      if (link.dataset.tab === tab) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.querySelector("dialog[open]")?.close(); // it asked about the view that is left
    fill(document.getElementById("main"), element);
    window.scrollTo(0, 0);
    const first = element.querySelector("[data-focus]");
    if (this.isDrawn || first) (first ?? heading).focus();
    this.isDrawn = true;
    document.body.dataset.ready = location.hash || "#";
  }

  /** Ends when the view is left: for requests, listeners and timers. */
  signal() {
    return this.#leaving.signal;
  }

  // --- what views follow ----------------------------------------------------------------------------------------------

  /** Calls `listener` now and after each change of the live session, until the view is left. */
  followLive(listener) {
    this.#follow("live", () => listener(this.live));
  }

  /** Calls `listener` now and after each change of the balance, until the view is left. */
  followBalance(listener) {
    this.#follow("balance", () => listener(this.balance));
  }

  /** Calls `call` now and after each change of `live` or `balance`, as long as the page is open. */
  always(name, call) {
    this.#events.addEventListener(name, call);
    call();
  }

  #follow(name, call) {
    this.#events.addEventListener(name, call, { signal: this.signal() });
    call();
  }

  #notify(name) {
    this.#events.dispatchEvent(new Event(name));
  }

  /** Says something to screen readers without moving the focus. */
  announce(message) {
    document.getElementById("announcer").textContent = message;
  }

  /** Every error that a view shows passes here: a blocked account has a page of its own. */
  noticeError(error) {
    if (!isBlocked(error) || this.isBlocked || this.user === undefined) return;
    this.isBlocked = true;
    void this.show();
  }

  /** Asks for the balance now, such as after a purchase. */
  async refreshBalance() {
    this.#useBalance(await this.client.credits.balance());
  }

  // --- what changes ---------------------------------------------------------------------------------------------------

  async #useSettings(settings) {
    const isElsewhere = settings.apiUrl !== this.settings.apiUrl;
    this.settings = settings;
    if (!isElsewhere) return;
    this.client = await openClient(); // without a sign-in, which was that of the other address
    await this.#usePrice();
  }

  async #usePrice() {
    this.creditsPerMinute = await loadPrice(this.settings.apiUrl);
    this.#notify("balance"); // what it is worth in minutes
  }

  async #useSignIn(reason) {
    const before = this.user?.userId;
    this.user = await this.client.auth.user();
    if (this.user?.userId === before) return;
    this.isBlocked = false;
    this.balance = undefined;
    this.#notify("balance");
    this.#useLive(this.#view); // others see less of it
    this.#watchBalance();
    this.memory.signedOut = reason;
    this.go(this.user ? this.home : "/sign-in");
  }

  #useLive(view) {
    const hasEnded = view.state === "ended" && isActive(this.#view.state);
    this.#view = view;
    if (hasEnded && this.user) void this.refreshBalance().catch(() => undefined); // what was held and not used is back
    document.body.dataset.live = this.live.state;
    this.#showConnection();
    this.#notify("live");
  }

  #useBalance(balance) {
    this.balance = balance;
    this.#notify("balance");
  }

  #watchBalance() {
    this.#stopWatching();
    this.#stopWatching = () => undefined;
    if (!this.user || document.hidden) return;
    this.#stopWatching = this.client.credits.watch((balance) => this.#useBalance(balance), { pollSeconds: BALANCE_POLL_SECONDS });
  }

  #showConnection() {
    const element = document.getElementById("connection");
    const sentence = !navigator.onLine && text(isActive(this.live.state) ? "offline_strip_live" : "offline_strip");
    if (element.textContent === (sentence || "")) return; // the same again would be read aloud again
    fill(element, sentence && h("p", { class: "strip" }, sentence));
  }
}
