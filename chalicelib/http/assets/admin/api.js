// The API as the page calls it. Tokens live in this module's memory alone: closing or reloading forgets them.

const PATIENCE_MS = 35_000; // API Gateway gives up after 29 seconds

let tokens = null;

export class ApiError extends Error {
  constructor(status, said, retryAfterSeconds) {
    super(said.message ?? "The answer could not be read.");
    this.status = status;
    this.code = said.code ?? "unknown";
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export async function signIn(email, password) {
  tokens = await answerOf(await send("POST", "auth/login", { email, password }));
}

export function signOut() {
  tokens = null;
}

export function isSignedIn() {
  return tokens !== null;
}

// The answer as JSON. A token that has run out is renewed once; when that fails too, the person has to sign in.
export async function call(method, path, body, headers) {
  return answerOf(await authorized(method, path, body, headers));
}

// All pages of a file, one after the other, as one text with one header line.
export async function wholeFile(path) {
  let text = "";
  let cursor = null;
  do {
    const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const answer = await authorized("GET", path + more);
    if (!answer.ok) await answerOf(answer);
    const page = await answer.text();
    text += text ? page.slice(page.indexOf("\n") + 1) : page;
    cursor = answer.headers.get("X-Next-Cursor");
  } while (cursor);
  return text;
}

async function authorized(method, path, body, headers = {}) {
  const answer = await send(method, path, body, { ...headers, Authorization: `Bearer ${tokens?.token}` });
  if (answer.status !== 401 || !tokens?.refresh_token) return answer;
  const renewed = await send("POST", "auth/refresh", { refresh_token: tokens.refresh_token });
  if (!renewed.ok) return answer;
  tokens = { ...tokens, ...(await renewed.json()) };
  return send(method, path, body, { ...headers, Authorization: `Bearer ${tokens.token}` });
}

async function send(method, path, body, headers = {}) {
  const said = body === undefined ? {} : { "Content-Type": "application/json" };
  try {
    return await fetch(path, {
      method,
      headers: { ...said, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new ApiError(0, { code: "offline", message: "The API could not be reached. Is the network there?" });
  }
}

async function answerOf(answer) {
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, said, Number(answer.headers.get("Retry-After")) || undefined);
  return said;
}
