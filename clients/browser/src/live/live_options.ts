/** What an author chooses for a live session, and what it works with. */
import type { Schema } from "../contract.js";
import type { Environment } from "../environment.js";
import type { KeyValueStorage } from "../storage.js";
import type { StartBody, Stream } from "../stream.js";

export interface LiveOptions extends Omit<StartBody, "transport" | "sample_rate"> {
  /** The rate of the samples that are fed: 16,000 by default. */
  sampleRate?: NonNullable<Schema<"Start">["sample_rate"]>;
  /** For how many seconds audio is kept while no socket is open, and until its words are final: 45 by default. */
  bufferSeconds?: number;
  /** How long before its end a lease is renewed: 12 seconds by default. Earlier costs more of the day's allowance. */
  renewLeadSeconds?: number;
  /** How long a hand-over waits for a pause in speech: 3 seconds by default. */
  pausePatienceSeconds?: number;
}

/** What a session works with. */
export interface LiveParts {
  environment: Environment;
  stream: Stream;
  storage: KeyValueStorage;
  userId: () => Promise<string>;
}

/** The options with their defaults. */
export interface LiveSettings {
  sampleRate: number;
  bufferSeconds: number;
  leadMs: number;
  patienceMs: number;
  body: StartBody;
}

export function settingsOf(options: LiveOptions, providers: string[]): LiveSettings {
  const { sampleRate = 16_000, bufferSeconds = 45, renewLeadSeconds = 12, pausePatienceSeconds = 3, ...labels } = options;
  return {
    sampleRate,
    bufferSeconds,
    leadMs: renewLeadSeconds * 1000,
    patienceMs: pausePatienceSeconds * 1000,
    body: { providers, ...labels, transport: "direct", sample_rate: sampleRate },
  };
}
