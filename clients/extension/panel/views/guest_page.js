/** The frame of the pages for who is not signed in: what the product is, then a form. */
import { text } from "../../common/i18n.js";
import { h } from "../elements.js";

export function guestPage({ title, lead, content, back }) {
  const server = h("a", { href: "#/settings", class: "small quiet" }, text("guest_settings"));
  const element = h("div", { class: "guest" }, h("p", { class: "lead" }, lead), ...content, h("p", { class: "guest-end" }, server));
  return { title, element, back };
}
