/** An account's sign-in, shared by all contexts: one refresh at a time, and one place that says who is signed in. */
import type { Schema } from "./contract.js";
import { type Environment, unlessAborted, withTimeLimit } from "./environment.js";
import { InvalidCredentialsError, UnauthenticatedError } from "./errors.js";
import { type RequestOptions, Requests, type TokenSource } from "./requests.js";
import type { KeyValueStorage } from "./storage.js";

/** Why nobody is signed in any more: the user signed out, or the API refuses the tokens. */
export type SignOutReason = "logout" | "expired" | "signed_out" | "malformed" | "wrong_token" | "missing";

/** What is stored. Without `token`, nobody is signed in, and `reason` says why. */
interface SignIn {
  /** The same over all refreshes. */
  id?: string;
  /** The API that it belongs to: it is none for another one, which must not see the token. */
  apiUrl?: string;
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
const SIGNED_OUT: SignIn = { reason: "logout" };

export class Auth implements TokenSource {
  /** Requests without a token. */
  readonly #requests: Requests;
  readonly #listeners = new Set<(reason: SignOutReason) => void>();
  #failedRefreshAtMs = Number.NEGATIVE_INFINITY;
  /** What the storage held when it was read or written last. */
  #stored: SignIn | undefined;
  /** The newest sign-in that this context knows of: another one than `#stored` if the storage failed to store it. */
  #known: SignIn | undefined;
  /** Stops the open sessions of a sign-in, before it ends; an abort ends that too. */
  beforeLogout: (options: RequestOptions) => Promise<void> = async () => undefined;

  constructor(
    baseUrl: string,
    private readonly storage: KeyValueStorage,
    private readonly environment: Environment,
  ) {
    const nothing = async (): Promise<undefined> => undefined;
    this.#requests = new Requests(baseUrl, environment, { signInId: nothing, token: nothing, replace: nothing, reject: nothing });
    storage.subscribe((key, value) => {
      const isOwnRemoval = value === undefined && this.#known !== this.#stored;
      if (key === SIGN_IN_KEY && !isOwnRemoval) this.#report(this.#own(value ?? SIGNED_OUT));
    });
  }

  /** Opens an account. It is signed in unless `confirmation_required`: then ask for the mailed code and `confirm`. */
  async register(body: Schema<"Register">): Promise<Schema<"Registered">> {
    const registered = await this.#post<Schema<"Registered">>("/auth/register", body);
    if (registered.token !== undefined) await this.#signIn(registered as Schema<"Tokens">, registered.user);
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
    await this.#signIn(signedIn, signedIn.user);
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
    const signIn = await this.#load().catch(() => undefined);
    if (!signIn) {
      await this.#write(SIGNED_OUT); // of an unknown user: the storage cannot be read
      return false;
    }
    if (signIn.token === undefined) return true;
    const signInId = idOf(signIn);
    const isStopped = await this.#isDoneWithin(LAST_WORDS_MS, (signal) => this.beforeLogout({ signal, signInId }));
    const requests = new Requests(this.#requests.baseUrl, this.environment, {
      signInId: () => this.signInId(),
      token: () => this.token(),
      replace: (old) => this.replace(old),
      reject: async () => undefined,
    });
    const call = { method: "POST", path: "/auth/logout", body: {}, signInId } as const;
    const isEnded = await this.#isDoneWithin(LOGOUT_MS, (signal) => requests.json({ ...call, signal }));
    await this.#write(SIGNED_OUT, (now) => now.token !== undefined && idOf(now) === signInId);
    return isStopped && isEnded;
  }

  /** Whether `work` succeeds in time, or is needless because the account is signed out already. */
  #isDoneWithin(milliseconds: number, work: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
    const done = withTimeLimit(this.environment, milliseconds, undefined, (signal) => unlessAborted(work(signal), signal));
    return done.then(
      () => true,
      (error: unknown) => error instanceof UnauthenticatedError,
    );
  }

  /** The id of the current sign-in, which is the same over all refreshes. */
  async signInId(): Promise<string | undefined> {
    return idOf(await this.#load());
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
    const { token } = signIn;
    try {
      const refresh = (limited: AbortSignal): Promise<string | undefined> => unlessAborted(this.replace(token, EARLY_REFRESH), limited);
      return await withTimeLimit(this.environment, EARLY_REFRESH.timeoutMs, undefined, refresh); // another context may hold its lock
    } catch {
      this.#failedRefreshAtMs = this.environment.monotonicMs();
      return signIn.token; // it may still be valid, and the API decides
    }
  }

  replace(expiredToken: string, options: RequestOptions = {}): Promise<string | undefined> {
    return this.environment.locks.withLock("live-transcription/refresh", async () => {
      const signIn = await this.#load();
      if (signIn.token !== expiredToken) return signIn.token; // another context was first
      let next: SignIn = { reason: "expired" };
      try {
        if (signIn.refreshToken !== undefined) {
          const tokens = await this.#post<Schema<"Tokens">>("/auth/refresh", { refresh_token: signIn.refreshToken }, options);
          next = { ...signIn, ...this.#storedTokens({ refresh_token: signIn.refreshToken, ...tokens }) };
        }
      } catch (error) {
        const isRefused = error instanceof InvalidCredentialsError || error instanceof UnauthenticatedError;
        if (!isRefused) throw error;
      }
      await this.#write(next, (now) => now.token === expiredToken); // meanwhile the user may have signed out
      return (await this.#load()).token;
    });
  }

  reject(token: string, reason: string): Promise<void> {
    return this.#write({ reason: reason as SignOutReason }, (now) => now.token === token);
  }

  #isEnding({ receivedAtMs = 0, expiresInSeconds = 0 }: SignIn): boolean {
    const ageMs = this.environment.wallMs() - receivedAtMs;
    return ageMs < 0 || ageMs > expiresInSeconds * 1000 - REFRESH_BEFORE_END_MS; // below 0: the clock was set back
  }

  /** What is stored, where it is of this API. An earlier version did not name the API. */
  #own(stored: unknown): SignIn {
    const signIn = (stored ?? {}) as SignIn;
    return (signIn.apiUrl ?? this.#requests.baseUrl) === this.#requests.baseUrl ? signIn : {};
  }

  async #load(): Promise<SignIn> {
    let stored: SignIn;
    try {
      stored = this.#own(await this.storage.get(SIGN_IN_KEY));
    } catch (error) {
      if (!this.#known) throw error;
      return this.#known;
    }
    const isBehind = this.#known && this.#known !== this.#stored && stored.token === this.#stored?.token;
    if (isBehind) return this.#known as SignIn;
    return (this.#known = this.#stored = stored);
  }

  async #signIn(tokens: Schema<"Tokens">, { user_id: userId, email, name }: Schema<"User">): Promise<void> {
    const user = { userId, email, ...(name && { name }) };
    await this.#write({ ...this.#storedTokens(tokens), id: this.environment.randomUUID(), user });
  }

  #storedTokens(tokens: Schema<"Tokens">): SignIn {
    return {
      token: tokens.token,
      refreshToken: tokens.refresh_token,
      receivedAtMs: this.environment.wallMs(),
      expiresInSeconds: tokens.expires_in,
    };
  }

  /**
   * Stores `signIn`, unless `isCurrent` refuses what is there now: nothing is stored over a sign-in or a sign-out that came
   * between. Where the storage takes no write, this context uses it, and another sign-in is removed.
   */
  #write(signIn: SignIn, isCurrent: (now: SignIn) => boolean = () => true): Promise<void> {
    const next = { ...signIn, apiUrl: this.#requests.baseUrl };
    return this.environment.locks.withLock("live-transcription/sign-in", async () => {
      const now = await this.#load().catch(() => undefined);
      if (now && !isCurrent(now)) return;
      this.#known = next;
      const isRefresh = next.token !== undefined && next.id === now?.id;
      try {
        await this.storage.set(SIGN_IN_KEY, next);
        this.#known = this.#stored = next;
      } catch {
        // The older token of the same sign-in serves other contexts for a while; any other is removed, if that is possible.
        if (!isRefresh) await this.storage.remove(SIGN_IN_KEY).then(() => (this.#stored = {}), () => undefined);
        this.#report(next);
      }
    });
  }

  /** Tells the listeners if `signIn` is the end of one. */
  #report({ reason }: SignIn): void {
    if (reason === undefined) return;
    for (const listener of this.#listeners) {
      try {
        listener(reason);
      } catch (error) {
        console.error(error); // it keeps neither the others nor the sign-out from going on
      }
    }
  }

  #post<Body>(path: string, body: unknown, options: RequestOptions = {}): Promise<Body> {
    return this.#requests.json<Body>({ method: "POST", path, body, ...options });
  }
}

/** An earlier version stored no id: then it is that of the user. */
function idOf({ id, user }: SignIn): string | undefined {
  return id ?? user?.userId;
}
