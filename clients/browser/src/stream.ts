/** The four actions of `POST /transcription/stream`, each with its own answer. */
import type { Schema } from "./contract.js";
import type { Delivery, RequestOptions, Requests } from "./requests.js";

/** A lease, and when it began by the monotonic clock of this device. */
export interface TimedLease {
  lease: Schema<"Lease">;
  beganAtMs: number;
}

/** The answer to a save, and when it was requested by the monotonic clock of this device. */
export interface TimedSave {
  saved: Schema<"Saved">;
  sentAtMs: number;
}

/** Words of the transcript. Times are milliseconds from its beginning; the last save of a `seq` wins. */
export interface Segment {
  seq: number;
  start_ms: number;
  end_ms: number;
  text: string;
  speaker?: string;
}

export type StartBody = Omit<Schema<"Start">, "action">;

export interface RenewBody {
  session_id: string;
  /** The stream broke off: renew at any time, and show the gap. */
  interrupted?: boolean;
}

export interface SaveBody {
  session_id: string;
  segments: readonly Segment[];
}

export interface StopBody {
  session_id: string;
  segments?: readonly Segment[];
  /** How long the provider's sockets were open, as it reports it. */
  provider_session_seconds?: number;
}

export class Stream {
  constructor(private readonly requests: Requests) {}

  /** Opens a session and its first lease. */
  async start(body: StartBody = {}, options: RequestOptions = {}): Promise<Schema<"Lease">> {
    return (await this.startTimed(body, options)).lease;
  }

  /** Ends the lease of a session and opens the next one; with `interrupted`, at any time. */
  async renew(body: RenewBody, options: RequestOptions = {}): Promise<Schema<"Lease">> {
    return (await this.renewTimed(body, options)).lease;
  }

  /** Stores up to 100 segments. An empty list is a heartbeat. */
  async save(body: SaveBody, options: RequestOptions = {}): Promise<Schema<"Saved">> {
    return (await this.saveTimed(body, options)).saved;
  }

  /** Stores the last words, settles the lease and closes the session. A repeat answers the same. */
  async stop(body: StopBody, options: RequestOptions = {}): Promise<Schema<"Stopped">> {
    return (await this.#send("stop", body, options)).content as Schema<"Stopped">;
  }

  /** The sessions that were not stopped and can go on, newest first. */
  async openSessions(options: RequestOptions = {}): Promise<Schema<"OpenSession">[]> {
    const path = "/transcription/sessions";
    return (await this.requests.json<Schema<"OpenSessions">>({ method: "GET", path, ...options })).sessions;
  }

  async startTimed(body: StartBody, options: RequestOptions): Promise<TimedLease> {
    return timedLease(await this.#send("start", body, options));
  }

  async renewTimed(body: RenewBody, options: RequestOptions): Promise<TimedLease> {
    return timedLease(await this.#send("renew", body, options));
  }

  async saveTimed(body: SaveBody, options: RequestOptions): Promise<TimedSave> {
    const { content, sentAtMs } = await this.#send("save", body, options);
    return { saved: content as Schema<"Saved">, sentAtMs };
  }

  #send(action: string, body: object, options: RequestOptions): Promise<Delivery> {
    return this.requests.send({ method: "POST", path: "/transcription/stream", body: { action, ...body }, ...options });
  }
}

/**
 * When the lease began, by this device's monotonic clock. The API's own clock says how old the lease was when it
 * answered: a repeated request gets a lease that began with an earlier try. The listener's clock plays no part.
 */
function timedLease({ headers, content, sentAtMs, receivedAtMs }: Delivery): TimedLease {
  const lease = content as Schema<"Lease">;
  const expiresAtMs = Date.parse(lease.lease_expires_at);
  const answeredAtMs = Date.parse(headers.get("Date") ?? "");
  const leaseMs = lease.lease_seconds * 1000;
  const ageMs = Number.isNaN(answeredAtMs) ? 0 : Math.min(leaseMs, Math.max(0, answeredAtMs - expiresAtMs + leaseMs));
  return { lease, beganAtMs: Math.min(sentAtMs, receivedAtMs - ageMs) };
}
