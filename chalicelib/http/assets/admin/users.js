// Users: found, filtered, sorted, as a file; and what an administrator does for them and against them.

import { call, downloadCsv } from "./api.js";
import { answerPlace, run } from "./answers.js";
import { save } from "./download.js";
import { counted, el, fill, moment, number, table, userLink } from "./show.js";
import { keepInAddress } from "./views.js";

const FILTERS = { "": "All", blocked: "Blocked", below_zero: "Below zero", never_paid: "Never paid" };
const SORTS = {
  "": ["As listed", () => 0],
  newest: ["Newest first", (a, b) => b.created_at.localeCompare(a.created_at)],
  lowest: ["Lowest balance first", (a, b) => a.available - b.available],
  highest: ["Highest balance first", (a, b) => b.available - a.available],
  bought: ["Bought most first", (a, b) => b.lifetime_purchased - a.lifetime_purchased],
  used: ["Used most first", (a, b) => b.lifetime_used - a.lifetime_used],
};
const EMPTY_PAGES = 10; // of a filtered list that are passed before the page asks whether to go on

// `afterAction` is called when an administrator did something. Returns a function that shows a search, filter and order.
export function showUsers(confirm, afterAction) {
  const results = el("div");
  const place = answerPlace();
  const search = el("input", { name: "search", maxlength: "128" });
  const only = select("only", FILTERS);
  const sort = select("sort", Object.fromEntries(Object.entries(SORTS).map(([name, [label]]) => [name, label])));
  const file = el("button", { type: "button", onclick: () => run(() => saveFile(search.value.trim(), only.value), place) }, "Download CSV");
  const form = el("form", { class: "row", role: "search", "aria-label": "Users" },
    el("label", { class: "grow" }, "Start of the email address, or a user id. Leave empty to list all users", search),
    el("label", {}, "Show", only), el("label", {}, "Order of the rows shown", sort),
    el("button", { class: "primary" }, "Find"), file, place.element);
  const list = new UserList(results, sort, confirm, afterAction);
  const find = () => {
    keepInAddress("users", { search: search.value.trim(), only: only.value, sort: sort.value });
    return run(() => list.find(search.value.trim(), only.value), place);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
  only.addEventListener("change", find);
  sort.addEventListener("change", () => {
    keepInAddress("users", { search: search.value.trim(), only: only.value, sort: sort.value });
    list.draw();
  });
  fill(document.getElementById("users"), el("div", { class: "card" }, form, results));

  let shown = "";
  return ({ query }) => {
    if (query.toString() === "" || query.toString() === shown) return;
    shown = query.toString();
    search.value = query.get("search") ?? "";
    only.value = query.get("only") in FILTERS ? query.get("only") : "";
    sort.value = query.get("sort") in SORTS ? query.get("sort") : "";
    find();
  };
}

const select = (name, options) =>
  el("select", { name }, Object.entries(options).map(([value, label]) => el("option", { value }, label)));

function queryOf(text, only) {
  const isId = /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(text);
  const query = new URLSearchParams(text ? { [isId ? "user_id" : "email"]: text } : {});
  if (only) query.set("only", only);
  return query;
}

async function saveFile(text, only) {
  const query = queryOf(text, only);
  query.set("format", "csv");
  save("users.csv", await downloadCsv(`admin/users?${query}`));
  return "Saved as users.csv.";
}

class UserList {
  constructor(results, sort, confirm, afterAction) {
    Object.assign(this, { results, sort, confirm, afterAction, users: null, cursor: "", text: "", only: "", request: 0 });
  }

  async find(text, only) {
    Object.assign(this, { text, only, users: null, cursor: "" });
    this.results.replaceChildren(); // What an earlier search found is not the answer to this one, even if this one fails.
    return this.more();
  }

  // Adds the next page. Pages of a filter may be empty: some are passed until one is not.
  async more() {
    const request = (this.request += 1);
    let [users, cursor] = [[], this.cursor];
    for (let page = 0; page < EMPTY_PAGES && users.length === 0 && (page === 0 || cursor); page += 1) {
      const query = queryOf(this.text, this.only);
      if (cursor) query.set("cursor", cursor);
      ({ users, next_cursor: cursor } = await call("GET", `admin/users?${query}`));
      if (request !== this.request) return "";
    }
    this.users = [...(this.users ?? []), ...users];
    this.cursor = cursor ?? "";
    this.draw();
    return `${counted(this.users.length, "user")} found${this.cursor ? " so far" : ""}.`;
  }

  draw() {
    if (this.users === null) return;
    const place = answerPlace();
    const sorted = [...this.users].sort(SORTS[this.sort.value][1]);
    const emptyText = this.cursor ? "None of the users that were read is such a one. Go on reading."
      : "No user was found. Enter the start of an email address, or a whole user id.";
    this.results.replaceChildren(table("Users found", [
      ["User", (row) => this.userCell(row)],
      ["State", (row) => (row.is_blocked ? el("strong", { class: "bad" }, "blocked") : row.is_confirmed ? "active" : "unconfirmed")],
      ["Available", (row) => el("span", { class: row.available < 0 ? "bad" : "" }, number(row.available)), true],
      ["Held", (row) => number(row.held), true],
      ["Granted", (row) => number(row.lifetime_granted), true],
      ["Bought", (row) => number(row.lifetime_purchased), true],
      ["Used", (row) => number(row.lifetime_used), true],
      ["Created", (row) => moment(row.created_at)],
    ], sorted, emptyText),
    this.cursor ? el("div", { class: "row" }, el("button", { type: "button", onclick: () => run(() => this.more(), place) }, "More users"), place.element) : "");
  }

  // Name and buttons are the first cell, so that they are inside the card at every width.
  userCell(user) {
    const place = answerPlace();
    const cell = el("div", { class: "user", "data-user": user.user_id }, userLink(user.user_id, user.email), user.name ? el("span", { class: "quiet" }, user.name) : null,
      el("code", {}, user.user_id), el("span", { class: "row" }, this.creditsButton(user), this.blockButton(user)), place.element);
    cell.answers = place;
    return cell;
  }

  // One key per confirmed dialog: a retry after a lost response changes nothing twice. The answer is beside the button.
  actionButton(user, label, dialog, path, body) {
    return el("button", { type: "button", onclick: async (event) => {
      const position = [...event.currentTarget.parentElement.children].indexOf(event.currentTarget);
      const input = await this.confirm(dialog);
      if (!input) return;
      const key = crypto.randomUUID();
      const isDone = await run(async () => {
        await call("POST", path, body(input), { "Idempotency-Key": key });
        await this.renew(user.user_id);
      }, this.cellOf(user.user_id).answers);
      if (!isDone) return;
      const cell = this.cellOf(user.user_id);
      cell.querySelectorAll(".row button")[position]?.focus();
      cell.answers.text.textContent = `Done: ${dialog.title}.`;
      this.afterAction();
    } }, label);
  }

  cellOf(userId) {
    return this.results.querySelector(`[data-user="${CSS.escape(userId)}"]`);
  }

  // Reads one user again; the others stay as they are.
  async renew(userId) {
    const { users } = await call("GET", `admin/users?user_id=${encodeURIComponent(userId)}`);
    this.users = this.users.map((user) => (user.user_id === userId ? (users[0] ?? user) : user));
    this.draw();
  }

  creditsButton(user) {
    const text = `${counted(user.available, "credit")} available now. The change is recorded with your name and the reason.`;
    return this.actionButton(user, "Credits…", { title: `Credits for ${user.email}`, text, verb: "Change credits", wantsCredits: true },
      "admin/credits", (input) => ({ user_id: user.user_id, credits: input.credits, reason: input.reason }));
  }

  blockButton(user) {
    const [verb, text] = user.is_blocked
      ? ["Unblock", "The user can use the service again at once."]
      : ["Block", "Every call of the user is refused at once; a running session stops when its lease has expired."];
    return this.actionButton(user, `${verb}…`, { title: `${verb} ${user.email}`, text, verb },
      `admin/users/${encodeURIComponent(user.user_id)}/${verb.toLowerCase()}`, (input) => ({ reason: input.reason }));
  }
}
