/** An account's sign-in, shared by all contexts: one refresh at a time, and one place that says who is signed in. */
import type { Schema } from "./contract.js";
import { type Environment, sleep } from "./environment.js";
import { InvalidCredentialsError, UnauthenticatedError } from "./errors.js";
import { type RequestOptions, Requests, type TokenSource } from "./requests.js";
import type { KeyValueStorage } from "./storage.js";

/** Why nobody is signed in any more: the user signed out, or the API refuses the tokens. */
export type SignOutReason = "logout" | "expired" | "signed_out" | "malformed" | "wrong_token" | "missing";

/** What is stored. Without `token`, nobody is signed in, and `reason` says why. */
interface SignIn {
  token?: string;
  refreshToken?: string | undefined;
  /** When the tokens arrived, by the device's clock; only compared with the same clock. */
  receivedAtMs?: number;
  expiresInSeconds?: number;
  user?: SignedInUser;
  reason?: SignOutReason;
}

export interface SignedInUser {
  userId: string;
  email: string;
  name?: string;
}

/** So long before its end a token is refreshed. */
const REFRESH_BEFORE_END_MS = 120_000;
/** A refresh before the end must not hold up requests: the token is still valid. */
const EARLY_REFRESH = { tries: 1, timeoutMs: 5_000 };
const EARLY_REFRESH_EVERY_MS = 15_000;
/** So long a sign-out waits for the sessions' last words, and for the API. */
const LAST_WORDS_MS = 30_000;
const LOGOUT_MS = 10_000;
export const SIGN_IN_KEY = "live-transcription/sign-in";

export class Auth implements TokenSource {
  /** Requests without a token. */
  readonly #requests: Requests;
  readonly #listeners = new Set<(reason: SignOutReason) => void>();
  #failedRefreshAtMs = Number.NEGATIVE_INFINITY;
  /** The newest sign-in that this context knows of, for when the storage fails. */
  #known: SignIn = {};
  /** The token in the storage that `#known` replaces, because the storage took no other. */
  #replacedToken: string | undefined;
  /** Stops the open sessions of the account, before it signs out. */
  beforeLogout: () => Promise<void> = async () => undefined;

  constructor(
    baseUrl: string,
    private readonly storage: KeyValueStorage,
    private readonly environment: Environment,
  ) {
    const anonymous: TokenSource = { token: async () => undefined, replace: async () => undefined, reject: async () => undefined };
    this.#requests = new Requests(baseUrl, environment, anonymous);
    storage.subscribe((key, value) => {
      const reason = key === SIGN_IN_KEY ? (value as SignIn | undefined)?.reason : undefined;
      if (reason !== undefined) this.#listeners.forEach((listener) => listener(reason));
    });
  }

  /** Opens an account. It is signed in unless `confirmation_required`: then ask for the mailed code and `confirm`. */
  async register(body: Schema<"Register">): Promise<Schema<"Registered">> {
    const registered = await this.#post<Schema<"Registered">>("/auth/register", body);
    if (registered.token !== undefined) await this.#store(registered as Schema<"Tokens">, registered.user);
    return registered;
  }

  /** Confirms the email address with the mailed code; with a `password`, it also signs in. */
  async confirm(body: Schema<"Confirm">): Promise<Schema<"Confirmed">> {
    const confirmed = await this.#post<Schema<"Confirmed">>("/auth/confirm", body);
    if (body.password) await this.login({ email: body.email, password: body.password });
    return confirmed;
  }

  /** Mails the code again. */
  async resendCode(email: string): Promise<void> {
    await this.#post("/auth/resend-code", { email });
  }

  async login(body: Schema<"Login">): Promise<Schema<"User">> {
    const signedIn = await this.#post<Schema<"LoggedIn">>("/auth/login", body);
    await this.#store(signedIn, signedIn.user);
    return signedIn.user;
  }

  /** Mails a code for a new password. */
  async forgotPassword(email: string): Promise<void> {
    await this.#post("/auth/forgot-password", { email });
  }

  /** Sets a new password with the mailed code. It ends every sign-in of the account. */
  async resetPassword(body: Schema<"ResetPassword">): Promise<void> {
    await this.#post("/auth/reset-password", body);
  }

  /**
   * Stops the open sessions, then ends every sign-in of the account, on all of its devices. This device is signed out in any
   * case, also where the account is blocked or there is no network. Returns whether the API did the rest: if not, other
   * devices stay signed in, and a session that could not be stopped is billed to the end of its lease.
   */
  async logout(): Promise<boolean> {
    if ((await this.#load()).token === undefined) return true;
    const isStopped = await this.#isDoneWithin(LAST_WORDS_MS, () => this.beforeLogout());
    const source: TokenSource = { token: () => this.token(), replace: (old) => this.replace(old), reject: async () => undefined };
    const requests = new Requests(this.#requests.baseUrl, this.environment, source);
    const call = { method: "POST", path: "/auth/logout", body: {} } as const;
    const isEnded = await this.#isDoneWithin(LOGOUT_MS, (signal) => requests.json({ ...call, signal }));
    if ((await this.#load()).token !== undefined) await this.#clear("logout");
    return isStopped && isEnded;
  }

  /** Whether `work` succeeds in time, or is needless because the account is signed out already. */
  async #isDoneWithin(milliseconds: number, work: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
    const isOver = new AbortController();
    const done = work(isOver.signal).then(
      () => true,
      (error: unknown) => error instanceof UnauthenticatedError,
    );
    const isDone = await Promise.race([done, sleep(this.environment, milliseconds, isOver.signal).then(() => false)]);
    isOver.abort();
    return isDone;
  }

  /** Who is signed in; undefined if nobody is. */
  async user(): Promise<SignedInUser | undefined> {
    return (await this.#load()).user;
  }

  /** Calls `listener` when the sign-in ended, in every context of the extension. Returns what ends the calls. */
  onSignedOut(listener: (reason: SignOutReason) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async token(): Promise<string | undefined> {
    const signIn = await this.#load();
    if (signIn.token === undefined || !this.#isEnding(signIn)) return signIn.token;
    if (this.environment.monotonicMs() - this.#failedRefreshAtMs < EARLY_REFRESH_EVERY_MS) return signIn.token;
    try {
      return await this.replace(signIn.token, EARLY_REFRESH);
    } catch {
      this.#failedRefreshAtMs = this.environment.monotonicMs();
      return signIn.token; // it may still be valid, and the API decides
    }
  }

  replace(expiredToken: string, options: RequestOptions = {}): Promise<string | undefined> {
    return this.environment.locks.withLock("live-transcription/refresh", async () => {
      const signIn = await this.#load();
      if (signIn.token !== expiredToken) return signIn.token; // another context was first
      if (signIn.refreshToken === undefined) return this.#clear("expired");
      try {
        const body = { refresh_token: signIn.refreshToken };
        const tokens = await this.#post<Schema<"Tokens">>("/auth/refresh", body, options);
        const now = await this.#load();
        if (now.token !== expiredToken) return now.token; // meanwhile the user signed out, or another one signed in
        await this.#store({ refresh_token: signIn.refreshToken, ...tokens }, signIn.user).catch(() => {
          this.#replacedToken ??= expiredToken; // a full storage must not sign out
        });
        return tokens.token;
      } catch (error) {
        const isRefused = error instanceof InvalidCredentialsError || error instanceof UnauthenticatedError;
        if (!isRefused) throw error;
        await this.reject(expiredToken, "expired");
        return (await this.#load()).token;
      }
    });
  }

  async reject(token: string, reason: string): Promise<void> {
    if ((await this.#load()).token === token) await this.#clear(reason as SignOutReason);
  }

  #isEnding({ receivedAtMs = 0, expiresInSeconds = 0 }: SignIn): boolean {
    const ageMs = this.environment.wallMs() - receivedAtMs;
    return ageMs < 0 || ageMs > expiresInSeconds * 1000 - REFRESH_BEFORE_END_MS; // below 0: the clock was set back
  }

  async #load(): Promise<SignIn> {
    let stored: SignIn | undefined;
    try {
      stored = (await this.storage.get(SIGN_IN_KEY)) as SignIn | undefined;
    } catch (error) {
      if (this.#known.token === undefined) throw error;
      return this.#known;
    }
    if (stored?.token !== undefined && stored.token === this.#replacedToken) return this.#known;
    this.#replacedToken = undefined;
    return (this.#known = stored ?? {});
  }

  async #store(tokens: Schema<"Tokens">, user: Schema<"User"> | SignedInUser | undefined): Promise<void> {
    const signIn: SignIn = {
      token: tokens.token,
      refreshToken: tokens.refresh_token,
      receivedAtMs: this.environment.wallMs(),
      expiresInSeconds: tokens.expires_in,
    };
    if (user) signIn.user = "user_id" in user ? { userId: user.user_id, email: user.email, ...(user.name && { name: user.name }) } : user;
    this.#known = signIn;
    await this.storage.set(SIGN_IN_KEY, signIn);
  }

  async #clear(reason: SignOutReason): Promise<undefined> {
    await this.storage.set(SIGN_IN_KEY, { reason });
    this.#known = { reason };
  }

  #post<Body>(path: string, body: unknown, options: RequestOptions = {}): Promise<Body> {
    return this.#requests.json<Body>({ method: "POST", path, body, ...options });
  }
}
