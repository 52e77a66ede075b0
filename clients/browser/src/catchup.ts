/** Catch-ups: what was missed of a recording or of a session, and questions about a transcript. */
import type { Schema } from "./contract.js";
import { CatchupFailedError } from "./errors.js";
import { POLL_TRIES, pollUntil } from "./polling.js";
import type { RequestOptions, Requests } from "./requests.js";

export type CatchupJob = Schema<"CatchupJob">;

export interface CatchupOptions extends RequestOptions {
  /** Gets the job each time it was asked for: its `status`, and `progress` in percent. */
  onProgress?: (job: CatchupJob) => void;
  /** How often to ask for the job. */
  pollSeconds?: number;
}

const POLL_SECONDS = 3;

export class Catchups {
  constructor(private readonly requests: Requests) {}

  /** What a catch-up would cost. It holds nothing. */
  quote(body: Omit<Schema<"Catchup">, "quote">, options: RequestOptions = {}): Promise<Schema<"Quote">> {
    return this.requests.json({ method: "POST", path: "/transcription/catchup", body: { ...body, quote: true }, ...options });
  }

  /**
   * Starts a catch-up and waits until it is done, also over a lost network: it runs without this client. An abort ends the
   * wait only. Throws CatchupFailedError, ApiError, NetworkError, AbortedError.
   */
  async run(body: Omit<Schema<"Catchup">, "quote">, options: CatchupOptions = {}): Promise<CatchupJob> {
    const { onProgress, pollSeconds, ...request } = options;
    const path = "/transcription/catchup";
    const started = await this.requests.json<CatchupJob>({ method: "POST", path, body, ...request });
    return this.wait(started.job_id, options);
  }

  /** Waits until a started catch-up is done, such as that of a popup which was closed. Throws as `run` does. */
  async wait(jobId: string, { onProgress, pollSeconds = POLL_SECONDS, signal }: CatchupOptions = {}): Promise<CatchupJob> {
    const route = "/transcription/catchup/{job_id}";
    const path = `/transcription/catchup/${encodeURIComponent(jobId)}`;
    const ask = (): Promise<CatchupJob> => this.requests.json({ method: "GET", path, route, signal, tries: POLL_TRIES });
    const isDone = (job: CatchupJob): boolean => {
      onProgress?.(job);
      if (job.status === "failed") throw new CatchupFailedError(job);
      return job.status === "done";
    };
    return pollUntil(this.requests.environment, ask, isDone, pollSeconds * 1000, signal);
  }

  /** Answers a question from a transcript, with the moments that the answer rests on. */
  ask(body: Schema<"Ask">, options: RequestOptions = {}): Promise<Schema<"AskAnswer">> {
    return this.requests.json({ method: "POST", path: "/transcription/ask", body, timeoutMs: 60_000, ...options });
  }
}
