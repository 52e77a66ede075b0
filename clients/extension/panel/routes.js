/** Places in the app: the part of the address after `#`. Pure. */

/** The route that a place such as `/history/01J0?from=live` belongs to, with its parameters; undefined if there is none. */
export function findRoute(routes, place) {
  const [path, search = ""] = place.replace(/^#/, "").split("?");
  const parts = path.split("/").filter(Boolean);
  for (const route of routes) {
    const names = route.path.split("/").filter(Boolean);
    if (names.length !== parts.length) continue;
    const parameters = Object.fromEntries(new URLSearchParams(search));
    const fits = names.every((name, index) => {
      if (!name.startsWith(":")) return name === parts[index];
      parameters[name.slice(1)] = decode(parts[index]);
      return parameters[name.slice(1)] !== undefined;
    });
    if (fits) return { route, parameters };
  }
  return undefined;
}

/** A part of an address as it was before it was encoded; undefined where that is broken. */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** A place with parameters: those that are undefined are left out. */
export function placeOf(path, parameters = {}) {
  const set = Object.entries(parameters).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(set).toString();
  return search ? `${path}?${search}` : path;
}

/**
 * Where to go instead of a route: the sign-in or the code of a pending sign-up for who is not signed in, the first page
 * for who is signed in already, the page of a blocked account. Undefined if the route is right.
 */
export function redirect(route, { isSignedIn, isBlocked, hasPendingSignUp, home }) {
  if (route.access === "any") return undefined;
  if (route.access === "guest") return isSignedIn ? home : undefined;
  if (!isSignedIn) return hasPendingSignUp ? "/confirm" : "/sign-in";
  if (isBlocked) return route.path === "/blocked" ? undefined : "/blocked";
  return route.path === "/blocked" ? home : undefined;
}

/** The tab of the page that a view came from, such as `history` of `/history/01J0`. */
export function tabOf(back) {
  return back.split(/[/?]/)[1];
}
