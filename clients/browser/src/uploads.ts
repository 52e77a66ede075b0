/** Uploads a recording, with progress. */
import type { Schema } from "./contract.js";
import { type Environment, withTimeLimit } from "./environment.js";
import { AbortedError, NetworkError, TooLargeFileError } from "./errors.js";
import type { Requests } from "./requests.js";

export interface ProgressOptions {
  /** Gets the part that is done, from 0 to 1. */
  onProgress?: (progress: number) => void;
  signal?: AbortSignal;
}

/** Sends a multipart form. Resolves with the status; rejects where the network failed or `signal` was aborted. */
export type SendForm = (url: string, form: FormData, options: ProgressOptions) => Promise<number>;

/** Uploads a recording; returns the `upload_id` for a catch-up. Throws ApiError, NetworkError, AbortedError. */
export async function upload(
  requests: Requests,
  file: Blob,
  options: ProgressOptions = {},
  sendForm: SendForm = defaultSendForm(requests),
): Promise<string> {
  const body = { content_type: file.type };
  const signal = options.signal;
  const path = "/transcription/uploads";
  const form = await requests.json<Schema<"Upload">>({ method: "POST", path, body, signal });
  if (file.size > form.max_bytes) throw new TooLargeFileError(form.max_bytes);
  const data = new FormData();
  for (const [name, value] of Object.entries(form.fields)) data.append(name, value);
  data.append("file", file); // last: what follows the file is not read
  const status = await sendForm(form.url, data, options);
  if (status >= 300) throw new NetworkError(`The upload was refused (${status}). Start it again.`);
  options.onProgress?.(1);
  return form.upload_id;
}

/** An upload that makes no progress for so long is given up. */
const STALL_MS = 60_000;
/** Where no progress is reported, an upload may take as much longer as its file takes at 256 kbit/s. */
const SLOWEST_BYTES_PER_MS = 32;

/** A page reports progress; a service worker has no XMLHttpRequest, so it reports only the end. */
function defaultSendForm({ environment }: Requests): SendForm {
  return async (url, form, { onProgress, signal }) => {
    const hasProgress = typeof XMLHttpRequest !== "undefined";
    const { size } = form.get("file") as Blob;
    const limitMs = STALL_MS + (hasProgress ? 0 : size / SLOWEST_BYTES_PER_MS);
    return withTimeLimit(environment, limitMs, signal, async (limited, restart) => {
      const report = (progress: number): void => {
        restart();
        onProgress?.(progress);
      };
      try {
        return await (hasProgress ? requestForm(url, form, limited, report) : fetchForm(environment, url, form, limited));
      } catch (error) {
        if (signal?.aborted) throw new AbortedError();
        const fault = limited.aborted ? "makes no progress" : "failed";
        throw new NetworkError(`The upload ${fault}. Start it again.`, { cause: error });
      }
    });
  };
}

async function fetchForm(environment: Environment, url: string, form: FormData, signal: AbortSignal): Promise<number> {
  return (await environment.fetch(url, { method: "POST", body: form, signal })).status;
}

function requestForm(url: string, form: FormData, signal: AbortSignal, report: (progress: number) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = (): void => {
      reject(new AbortedError()); // also where the browser reports no end of it
      request.abort();
    };
    request.open("POST", url);
    request.upload.onprogress = ({ loaded, total }) => report(total ? loaded / total : 0);
    request.onload = () => resolve(request.status);
    request.onerror = reject;
    request.onabort = reject;
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    else request.send(form);
  });
}
