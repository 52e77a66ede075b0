/** The frame of panel and popup: the heading, the state of the connection, the view and, in the panel, its tabs. */
import { text } from "../common/i18n.js";
import { h, icon } from "./elements.js";

/** Fills the body. `tabs`: the links of the panel, which has the balance in its corner too. */
export function drawFrame({ tabs } = {}) {
  const title = h("h1", { id: "title", tabindex: "-1" });
  const skip = (event) => {
    event.preventDefault(); // the address names the view
    title.focus();
  };
  document.body.append(
    ...(tabs ? [h("a", { class: "skip", href: "#main", onclick: skip }, text("skip_to_content"))] : []),
    h(
      "header",
      {},
      h("a", { id: "back", class: "icon-button", "aria-label": text("action_back"), hidden: true }, icon("back")),
      h("span", { id: "mark" }, icon("captions")),
      title,
      tabs && h("a", { id: "chip", href: "#/credits", hidden: true }),
    ),
    h("div", { id: "connection", role: "status" }),
    h("main", { id: "main" }),
    ...(tabs ? [h("nav", { id: "tabs", "aria-label": text("tabs_label") }, tabs)] : []),
    h("div", { id: "announcer", class: "visually-hidden", role: "status" }),
  );
}
