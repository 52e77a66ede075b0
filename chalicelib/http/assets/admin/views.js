// The view that is shown. The address names it, as in #/users?only=blocked, so that every view can be linked to.
// A section shows one view: data-view="users" for #/users, data-view="users/" for #/users/<id>.

const DEFAULT = "money";
const listeners = [];

// {name, id, query} of an address such as #/users/<id>?cursor=x; `id` is empty where the address has none.
export function currentView() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [first, id = ""] = path.split("/").map(decode);
  const name = id ? `${first}/` : first;
  const isKnown = [...document.querySelectorAll("[data-view]")].some((section) => names(section).includes(name));
  return isKnown ? { name, id, query: new URLSearchParams(query) } : { name: DEFAULT, id: "", query: new URLSearchParams() };
}

// Calls `show` with {id, query} whenever the view with this name is opened.
export function onView(name, show) {
  listeners.push({ name, show });
}

// Shows the sections of the current view only, and marks its link.
export function showView() {
  const view = currentView();
  for (const section of document.querySelectorAll("[data-view]")) section.hidden = !names(section).includes(view.name);
  for (const link of document.querySelectorAll("nav a")) {
    const isCurrent = link.getAttribute("href") === `#/${view.name.replace(/\/$/, "")}`;
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const listener of listeners) if (listener.name === view.name) listener.show(view);
}

// Puts what the view shows into its address, so that it can be copied; nothing is loaded for it.
export function keepInAddress(name, values) {
  if (currentView().name !== name) return;
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value));
  history.replaceState(null, "", `#/${name}${query.size ? `?${query}` : ""}`);
}

const names = (section) => section.dataset.view.split(" ");

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
