// The API as the page calls it. Tokens are kept in the session storage of this tab: they outlive a reload, not the tab.

const TIMEOUT_MS = 35_000; // API Gateway times out after 29 seconds

const STORED = `owner-tokens ${location.pathname}`; // an address has an API for each stage

let tokens = readTokens();

function readTokens() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED));
  } catch {
    return null; // the browser keeps no data of this page, or something else was kept there
  }
}

function keepTokens(newTokens) {
  tokens = newTokens;
  try {
    if (tokens) sessionStorage.setItem(STORED, JSON.stringify(tokens));
    else sessionStorage.removeItem(STORED);
  } catch {
    // Without storage the sign-in lasts until the page is reloaded.
  }
}

export class ApiError extends Error {
  constructor(status, body, retryAfterSeconds) {
    super(body.message ?? "The response could not be read. Try again.");
    this.status = status;
    this.code = body.code ?? "unknown";
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export async function signIn(email, password) {
  const { token, refresh_token: refreshToken } = await readJson(await send("POST", "auth/login", { email, password }));
  keepTokens({ token, refresh_token: refreshToken });
}

export function signOut() {
  keepTokens(null);
}

export function isSignedIn() {
  return tokens !== null;
}

// The response as JSON. An expired token is refreshed once; if that fails, the user has to sign in again.
export async function call(method, path, body, headers) {
  return readJson(await sendAuthorized(method, path, body, headers));
}

// All pages of a CSV file as one text with one header line.
export async function downloadCsv(path) {
  let text = "";
  let cursor = null;
  do {
    const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const response = await sendAuthorized("GET", path + more);
    if (!response.ok) await readJson(response);
    const page = await response.text();
    text += text ? page.slice(page.indexOf("\n") + 1) : page;
    cursor = response.headers.get("X-Next-Cursor");
  } while (cursor);
  return text;
}

async function sendAuthorized(method, path, body, headers = {}) {
  const response = await send(method, path, body, { ...headers, Authorization: `Bearer ${tokens?.token}` });
  if (response.status !== 401 || !tokens?.refresh_token) return response;
  const refreshed = await send("POST", "auth/refresh", { refresh_token: tokens.refresh_token });
  if (!refreshed.ok) return response;
  const { token, refresh_token: refreshToken = tokens.refresh_token } = await refreshed.json();
  keepTokens({ token, refresh_token: refreshToken });
  return send(method, path, body, { ...headers, Authorization: `Bearer ${tokens.token}` });
}

async function send(method, path, body, headers = {}) {
  const contentType = body === undefined ? {} : { "Content-Type": "application/json" };
  try {
    return await fetch(path, {
      method,
      headers: { ...contentType, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new ApiError(0, { code: "offline", message: "The API could not be reached. Check your network connection." });
  }
}

async function readJson(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, body, Number(response.headers.get("Retry-After")) || undefined);
  return body;
}
