/** The toolbar popup: signing in, the balance, start and stop on this tab, and the way to the side panel. */
import { accountRoutes } from "../panel/account_routes.js";
import { startApp } from "../panel/app.js";
import { askForPlace } from "../panel/panel_place.js";
import { homeView } from "./home.js";

const ROUTES = [...accountRoutes, { path: "/home", access: "member", isHome: true, view: homeView }];
/** Known before a click: the browser opens the panel only while it handles one. */
const { id: windowId } = await chrome.windows.getCurrent();

/** Opens a place of the side panel; the popup has done its part then. */
function openPanel(place) {
  void chrome.sidePanel.open({ windowId }).then(() => window.close());
  if (place) void askForPlace(place);
}

await startApp({
  routes: ROUTES,
  home: "/home",
  leave: (place) => {
    history.replaceState(undefined, "", "#/home");
    openPanel(place);
  },
});
